"""The classifier for scikit-learn users: arrays in, arrays out, and the two scores of NCE-Net beside them."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, Self, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from ncenet.arrays import check_vectors
from ncenet.data.pools import ArrayPool
from ncenet.data.scan import Sizes
from ncenet.errors import DataError
from ncenet.features.own import LEAST
from ncenet.functional.kernels import likelihoods
from ncenet.functional.scores import confusion, rejection
from ncenet.learners.classifier import Classifier
from ncenet.recipe import OWN, Recipe, TrainRecipe
from ncenet.recipe_head import FeatureMap, HeadRecipe, Kernel, PrototypeInit, Radius
from ncenet.rng import Streams
from ncenet.section import Section
from ncenet.types import LabeledSet

if TYPE_CHECKING:
    from sklearn.utils import Tags

Floats: TypeAlias = npt.NDArray[np.float32]

_HEAD, _TRAIN = HeadRecipe(), TrainRecipe()
OF_VECTORS = ("epochs", "min_steps", "batch_size", "lr", "weight_decay")
"""Parameters of training that are not about images."""
_SECTIONS: dict[str, type[Section]] = {"model.head": HeadRecipe, "train": TrainRecipe}


class NCEClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """NCE-Net (Wan et al., AAAI 2021) as a scikit-learn classifier.

    X is an array of images, uint8 (N, H, W) or (N, H, W, channels) with 1 or 3 channels, or of feature
    vectors (N, D), which are read as float32. Inputs are normalised inside: no scaler is needed. y holds N
    class labels, numbers or strings.

    Defaults are those of :mod:`ncenet.recipe`, where every parameter is described, unless said otherwise.

    Args:
        prototypes_per_class: K.
        kernel: ``"gaussian"`` (Eq. 6) or ``"cosine"`` (Eq. 7).
        feature_map: ``"scaled"``, ``"l2"``, ``"sigmoid-l2"`` or ``"none"``.
        radius: freeze the rejection radius at this value, or ``"class"`` or ``"shared"``; None learns one
            per class, of a head that learns alone one for all.
        init: initial prototypes, ``"normal"`` or ``"class-mean"``.
        cross_entropy: weight in [0, 1] of a cross-entropy term beside Eq. 5.
        backbone: ``"mlp"`` or ``"identity"`` for vectors, ``"small"``, ``"medium"``, ``"small-whitened"``,
            ``"medium-whitened"``, ``"resnet18"`` or ``"timm:NAME"`` for images. None: small for images. For
            vectors of 64 numbers and more, as networks make them, None is a head that learns alone, of all
            rows at once, on their principal components, with one radius; for shorter ones, and where a
            parameter of training is not as by default (epochs to weight_decay), mlp.
        image_size: side of the square that images are resized to. None: their own when they are square and
            at most 64, else 64.
        epochs: passes over the training data.
        min_steps: at least this many optimizer steps; small sets take more epochs.
        batch_size: rows per optimizer step.
        lr: initial learning rate of SGD.
        weight_decay: weight decay of SGD.
        flip: random horizontal flips of images in training. Off, because an array doesn't say whether
            mirroring changes what its images mean.
        crop_padding: random crops of images in training, after padding by so many pixels. None: an eighth
            of the side.
        random_state: seed of every random number of a fit. None draws the seed from numpy's global
            generator, as everywhere in scikit-learn; torch's global generators are never moved.

    Attributes:
        classes_: (C,) class labels, sorted.
        n_features_in_: D, when fitted on vectors.
        feature_names_in_: (D,), when fitted on a table whose columns have names.
        input_shape_: shape of one row, (D,) or (H, W, channels).
        learner_: the fitted :class:`ncenet.learners.classifier.Classifier`; its ``network`` is the module.
        report_: :class:`ncenet.types.FitReport` of the fit; its details hold the radius per class.

    >>> import numpy as np
    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [9.0, 0.0], [9.0, 1.0]])
    >>> model = NCEClassifier(min_steps=200, random_state=0).fit(X, ["left", "left", "right", "right"])
    >>> pool = np.array([[1.0, 0.5], [4.5, 0.5], [8.0, 0.5]])
    >>> model.predict(pool[[0, 2]]).tolist()
    ['left', 'right']
    >>> int(model.confusion(pool).argmax())  # between the classes
    1
    """

    def __init__(
        self,
        *,
        prototypes_per_class: int = _HEAD.prototypes_per_class,
        kernel: Kernel = _HEAD.kernel,
        feature_map: FeatureMap = _HEAD.feature_map,
        radius: Radius | None = _HEAD.radius,
        init: PrototypeInit | None = _HEAD.init,
        cross_entropy: float | None = _HEAD.cross_entropy,
        backbone: str | None = None,
        image_size: int | None = None,
        epochs: int = _TRAIN.epochs,
        min_steps: int = _TRAIN.min_steps,
        batch_size: int = _TRAIN.batch_size,
        lr: float = _TRAIN.lr,
        weight_decay: float = _TRAIN.weight_decay,
        flip: bool = False,
        crop_padding: int | None = _TRAIN.crop_padding,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.prototypes_per_class = prototypes_per_class
        self.kernel = kernel
        self.feature_map = feature_map
        self.radius = radius
        self.init = init
        self.cross_entropy = cross_entropy
        self.backbone = backbone
        self.image_size = image_size
        self.epochs = epochs
        self.min_steps = min_steps
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.flip = flip
        self.crop_padding = crop_padding
        self.random_state = random_state

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> Self:
        """Train a fresh network.

        Args:
            X: N images or feature vectors.
            y: (N,) class labels.

        Raises:
            ValueError: X or y is not what the class describes; names what was found.
            RecipeError: a parameter is out of range; names it by its field in the recipe.
            UsageError: the backbone does not exist or does not take such inputs.
        """
        if _are_images(X):
            images, labels = _checked_images(X), column_or_1d(y, warn=True)
            pool = ArrayPool(images)
            check_consistent_length(images, labels)
        else:
            vectors, labels = validate_data(self, X, y, dtype=(np.float64, np.float32))
            try:
                check_vectors(vectors, "X", lambda row: f"row {row}, counted from 0")
            except DataError as error:
                raise ValueError(str(error)) from error
            pool = ArrayPool(vectors.astype(np.float32, copy=False))
        check_classification_targets(labels)
        self.classes_, targets = np.unique(labels, return_inverse=True)
        self.input_shape_ = pool.array.shape[1:]

        recipe = self._recipe()
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        learner = Classifier(recipe.model, recipe.train, recipe.data, Streams(seed))
        names = tuple(map(str, self.classes_))
        labeled = LabeledSet(pool.ids(), [names[target] for target in targets], names)
        self.report_ = learner.fit(labeled, pool, cycle=0)
        self.learner_ = copy(learner)  # without the training data
        return self

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """The likeliest class of each row, (N,).

        Raises:
            NotFittedError: fit comes first.
            ValueError: X is not what the classifier was fitted on; so for all methods below.
        """
        best = self.predict_proba(X).argmax(1)
        labels: npt.NDArray[Any] = self.classes_[best]
        return labels

    def predict_proba(self, X: npt.ArrayLike) -> Floats:
        """Likelihoods of the classes, normalised to rows that sum to one: p_c / sum_c p_c, (N, C).

        The normalisation hides how far a row is from everything; :meth:`rejection` tells.
        """
        # In log space the ratio stands even where every likelihood underflows to 0.
        probs: Floats = self._log_likelihood(X).softmax(-1).numpy()
        return probs

    def rejection(self, X: npt.ArrayLike) -> Floats:
        """How much the classes reject each row, sum_c (1 - p_c) (Eq. 8): (N,) in [0, C].

        Higher is more informative: label those rows first.
        """
        scores: Floats = rejection(likelihoods(self._log_likelihood(X))).numpy()
        return scores

    def confusion(self, X: npt.ArrayLike) -> Floats:
        """How close the classes are to the likeliest, sum_c (1 + p_c - max p) (Eq. 9): (N,) in [1, C].

        Higher is more informative: label those rows first.
        """
        scores: Floats = confusion(likelihoods(self._log_likelihood(X))).numpy()
        return scores

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _log_likelihood(self, X: npt.ArrayLike) -> Tensor:
        """The output of the head, log p (N, C), on the CPU."""
        check_is_fitted(self)
        if _are_images(X):
            pool = ArrayPool(_checked_images(X))
        else:
            pool = ArrayPool(validate_data(self, X, dtype=np.float32, reset=False))
        if pool.array.shape[1:] != self.input_shape_:
            raise ValueError(
                f"X has rows of shape {pool.array.shape[1:]}, but NCEClassifier was fitted on rows of shape "
                f"{self.input_shape_}"
            )
        learner = copy(self.learner_)  # keeps X no longer than this call
        network = learner.network
        predictions = learner.predict(pool, pool.ids(), want=frozenset({"features"}))
        with torch.inference_mode():
            features = torch.cat([cast(Tensor, prediction.features) for prediction in predictions])
            log_likelihood: Tensor = network.head(features.to(network.mean.device))
        return log_likelihood.cpu()

    def _trains(self) -> bool:
        """Whether a parameter of training is given."""
        return any(getattr(self, name) != getattr(_TRAIN, name) for name in OF_VECTORS)

    def _recipe(self) -> Recipe:
        """The parameters in their places in the recipe, which checks them."""
        images = len(self.input_shape_) == 3
        changes: dict[str, Any] = {
            f"{section}.{name}": value
            for section, fields in _SECTIONS.items()
            for name, value in self.get_params(deep=False).items()
            if name in fields.model_fields
        }
        if self.backbone is None and not images and self.input_shape_[0] >= LEAST and not self._trains():
            changes = {path: value for path, value in changes.items() if not path.startswith("train.")}
            changes["model.features"] = OWN
        else:
            changes["model.backbone"] = self.backbone or ("small" if images else "mlp")
        if images:
            height, width, _ = self.input_shape_
            own = Sizes(min(height, width), max(height, width), (height, width))
            changes["data.image_size"] = self.image_size or own.default_side()
        return Recipe().with_changes(changes)


def _are_images(X: npt.ArrayLike) -> bool:
    """Arrays of three or four dimensions are images; all the rest is scikit-learn's to check."""
    return isinstance(X, np.ndarray) and X.ndim in (3, 4)


def _checked_images(X: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    images = np.asarray(X)
    if images.dtype != np.uint8:
        raise ValueError(f"images are uint8, 0 to 255; X holds {images.dtype}: scale, round and convert it")
    if images.ndim == 4 and images.shape[3] not in (1, 3):
        raise ValueError(
            f"images are (N, H, W) or (N, H, W, 1 or 3), X has shape {images.shape}: channels come last"
        )
    if 0 in images.shape:
        raise ValueError(f"X holds no pixels: its shape is {images.shape}")
    return images
