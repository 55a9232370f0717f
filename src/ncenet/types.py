"""The words that every layer shares: what a pool, a prediction, a query and a learner are.

Shape letters throughout the project: N images, C classes, D features, K prototypes per class,
M stochastic passes, A anchors, L labelled, B images in a batch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast, runtime_checkable

from ncenet.boxes import Boxes, Detections
from ncenet.errors import DamagedRecord, UsageError
from ncenet.files import whole as whole_file
from ncenet.text_files import check_regular, load_json

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Generator, Tensor

    Image: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.float32]
    """Pixels as uint8 (H, W, channels) with 1 or 3 channels, or a float32 feature vector (D,)."""

Label: TypeAlias = str
"""The name of a class. Names, not indices, go into the ledger: they survive a reordering.

In detection it is the text of all boxes of an image: see :meth:`~ncenet.boxes.Boxes.to_label`.
"""


@runtime_checkable
class Pool(Protocol):
    """Images under ids that never change: a relative path, ``"test/00012"``, a row key.

    A pool knows no labels. Any object with these three methods is one:

    >>> import hashlib, ncenet, numpy as np
    >>> class Squares:
    ...     channels = 1  # 1 gray, 3 RGB, 0 for vectors
    ...     def ids(self): return ["0", "1", "2"]
    ...     def load(self, id): return np.full((8, 8, 1), 40 * int(id), np.uint8)
    ...     def content_hash(self, id): return hashlib.sha256(self.load(id)).hexdigest()
    >>> isinstance(Squares(), ncenet.parts.Pool)
    True
    """

    def ids(self) -> Sequence[str]:
        """All ids, in a stable order."""

    def load(self, id: str) -> Image:
        """The decoded image.

        Raises:
            UnreadableImage: the bytes behind the id are not an image that can be decoded.
        """

    def content_hash(self, id: str) -> str:
        """A hash of the bytes behind the id, as hexadecimal digits."""


@dataclass(frozen=True)
class LabeledSet:
    """The images with labels, in the order in which the labels arrived.

    Attributes:
        ids: L ids.
        labels: L class names, parallel to ``ids``; in detection the text of their boxes.
        class_names: the C classes; a label's index in it is its target.

    >>> LabeledSet(["a", "b"], ["dog", "cat"], ("cat", "dog")).targets()
    [1, 0]
    """

    ids: Sequence[str]
    labels: Sequence[Label]
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def targets(self) -> list[int]:
        """Class indices in [0, C), parallel to ``ids``."""
        index = {name: c for c, name in enumerate(self.class_names)}
        return [index[label] for label in self.labels]

    def boxes(self) -> list[Boxes]:
        """The objects of each image, parallel to ``ids``, when the task is detection."""
        return [Boxes.from_label(label, classes=self.class_names) for label in self.labels]


@dataclass(frozen=True)
class Prediction:
    """What a learner says of one chunk of images; N rows in the order of ``ids``.

    Attributes:
        ids: N ids.
        probs: (N, C) in [0, 1]. Rows of a softmax head sum to one; rows of an NCE head are likelihoods
            per class and need not. Detection: (N, A, C + 1) for A anchors, the background last.
        features: (N, D), the output of the backbone, when it was wanted. An NCE head with a projection, the
            default, maps it once more before it meets the prototypes. Detection: averaged over the image.
        extras: further tensors of N rows (or M x N) by name, such as ``samples`` (M, N, C), or in detection
            ``boxes`` (N, A, 4).

    >>> import torch
    >>> Prediction(["a"], torch.tensor([[0.9, 0.1]])).features is None
    True
    """

    ids: Sequence[str]
    probs: Tensor
    features: Tensor | None = None
    extras: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Query:
    """The images that a strategy wants labelled, most informative first.

    Attributes:
        ids: distinct ids of the pool.
        scores: parallel to ``ids``; higher is more informative.

    >>> len(Query(("a", "b"), (0.9, 0.4)))
    2
    """

    ids: tuple[str, ...]
    scores: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class FitReport:
    """What one fit did.

    Attributes:
        labeled: size L of the labelled set.
        steps: optimizer steps taken.
        seconds: wall time of the fit.
        loss: mean training loss of the last epoch.
        accuracy: training accuracy of the last epoch, in [0, 1].
        details: what the parts of the model report, such as the radius per class.

    >>> FitReport(labeled=20, steps=400, seconds=3.2, loss=0.4, accuracy=0.9).details
    {}
    """

    labeled: int
    steps: int
    seconds: float
    loss: float
    accuracy: float
    details: Mapping[str, Any] = field(default_factory=dict)


class PoolView(Protocol):
    """All that a query strategy sees: predictions on the pool, never a hidden label.

    >>> import ncenet
    >>> class Undecided(ncenet.parts.QueryStrategy):
    ...     needs = frozenset({"probs"})
    ...     def query(self, view, query_size, *, rng):
    ...         best = {}
    ...         for said in view.predictions():
    ...             best |= dict(zip(said.ids, said.probs.amax(1).tolist()))
    ...         ids = sorted(best, key=best.get)[:query_size]
    ...         return ncenet.Query(tuple(ids), tuple(-best[id] for id in ids))
    >>> ncenet.select([[0.9, 0.1], [0.5, 0.5]], 1, strategy=Undecided(), ids=["a", "b"]).ids
    ('b',)
    """

    @property
    def ids(self) -> Sequence[str]:
        """Ids that may be queried."""

    @property
    def labeled_ids(self) -> Sequence[str]:
        """Ids that have a label."""

    @property
    def labels(self) -> Sequence[int]:
        """Class indices in [0, C), parallel to ``labeled_ids``; for classification alone."""

    def inputs(self, ids: Sequence[str]) -> Tensor:
        """What the network would read of images of the pool or the labelled set, under the test transform.

        For strategies that train a model of their own. It comes on the device that the learner uses.

        Returns:
            uint8 (B, channels, H, W) in 0..255, or float (B, D0) for vectors, in the order of ``ids``.
        """

    def predictions(self) -> Iterator[Prediction]:
        """Predictions on the pool in the order of ``ids``, in chunks."""

    def labeled_predictions(self) -> Iterator[Prediction]:
        """Predictions on the labelled set in the order of ``labeled_ids``, in chunks."""


@runtime_checkable
class QueryStrategy(Protocol):
    """The rule that picks the batch.

    Any object with ``needs`` and ``query`` is one; a class that derives from this has the rest of it too.
    :class:`ncenet.parts.ScoreStrategy` is the shorter way for a score.

    >>> import ncenet
    >>> class Alphabetic(ncenet.parts.QueryStrategy):
    ...     needs = frozenset()
    ...     def query(self, view, query_size, *, rng):
    ...         ids = sorted(view.ids)[:query_size]
    ...         return ncenet.Query(tuple(ids), (0.0,) * len(ids))
    >>> ncenet.select([[0.5, 0.5], [0.9, 0.1]], 1, strategy=Alphabetic(), ids=["b", "a"]).ids
    ('a',)
    """

    needs: frozenset[str]
    """What predictions must carry; empty for none.

    ``"probs"``, ``"features"``, ``"samples"``, or the name of what the strategy's auxiliary says.
    ``"inputs"`` is no part of a prediction: it says that the strategy reads :meth:`PoolView.inputs`.
    """

    requires: frozenset[str] = frozenset()
    """What a recipe must have for the strategy to work; empty when any will do.

    ``"classes"`` (one for each image, so no detection), ``"committee"``, ``"nce"`` (the head),
    ``"in_radii"`` (its radius), ``"pairs"`` (of images in a batch) and ``"scikit-activeml"`` (the package).
    """

    auxiliary: Callable[[Sequence[int]], Any] | None = None
    """A :data:`ncenet.nn.auxiliary.AuxiliaryFactory`: makes what is trained beside the network for it."""

    weighs_scope: bool = False
    """Reads ``"in_scope"`` among the extras of the pool's predictions, (N,) in [0, 1]: how likely an image
    belongs to a class, where skipped ones tell. Then fewer doubtful ones are left out of its pool."""

    def query(self, view: PoolView, query_size: int, *, rng: Generator) -> Query:
        """At most ``query_size`` distinct ids of the pool (all of them when the pool is smaller)."""


def whole_strategy(strategy: Any) -> QueryStrategy:
    """A strategy with all members of :class:`QueryStrategy`.

    Args:
        strategy: perhaps somebody's own, with ``needs`` and ``query`` alone.

    Raises:
        UsageError: it is none; a class, for instance.

    >>> class Alphabetic:
    ...     needs = frozenset()
    ...     def query(self, view, query_size, *, rng): ...
    >>> whole_strategy(Alphabetic()).requires
    frozenset()
    """
    if isinstance(strategy, type):
        raise UsageError(f"{strategy.__name__} is a class: give an object of it, {strategy.__name__}()")
    who = type(strategy).__name__
    if lacking := [name for name in ("needs", "query") if not hasattr(strategy, name)]:
        raise UsageError(f"{who} is no query strategy: it has no {' and no '.join(lacking)}")
    for what, said in ("needs", strategy.needs), ("requires", getattr(strategy, "requires", set[str]())):
        if not isinstance(said, Set) or not all(isinstance(name, str) for name in said):
            raise UsageError(f'{who}.{what} is {said!r}, not a set of names: write {{"probs"}} for one')
    return strategy if isinstance(strategy, QueryStrategy) else _Whole(strategy)


class _Whole(QueryStrategy):
    """Has the members of another object; those that it lacks are as the protocol has them."""

    def __init__(self, strategy: Any) -> None:
        self.given, self.needs = strategy, strategy.needs
        optional = "requires", "auxiliary", "weighs_scope"
        vars(self).update({name: getattr(strategy, name) for name in optional if hasattr(strategy, name)})

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "given"), name)

    def query(self, view: PoolView, query_size: int, *, rng: Generator) -> Query:
        return cast(QueryStrategy, self.given).query(view, query_size, rng=rng)


class Learner(Protocol):
    """A model that learns from a labelled set and predicts on a pool.

    Any object with these five methods is one, whatever is inside; :func:`ncenet.open` takes it. A class that
    derives from this needs ``fit`` and ``predict`` alone: its attributes are the model then.

    >>> import ncenet, torch
    >>> class Prior(ncenet.parts.Learner):  # says of every image how frequent the classes are
    ...     def fit(self, labeled, pool, **rest):
    ...         counts = torch.bincount(torch.tensor(labeled.targets()), minlength=len(labeled.class_names))
    ...         self.prior = counts / counts.sum()
    ...     def predict(self, pool, ids, *, want):
    ...         yield ncenet.parts.Prediction(ids, self.prior.repeat(len(ids), 1))
    >>> prior = Prior()
    >>> prior.fit(ncenet.parts.LabeledSet(["a", "b"], ["cat", "cat"], ("cat", "dog")), None)
    >>> prior.prior
    tensor([1., 0.])
    """

    def fit(
        self,
        labeled: LabeledSet,
        pool: Pool,
        *,
        cycle: int,
        before: Path | None = None,
        resume: Path | None = None,
    ) -> FitReport | None:
        """Train on the labelled set; None says that nothing but the wall time is to be recorded of it.

        Args:
            labeled: what to learn.
            pool: where its images are.
            cycle: number of the cycle; keys the learner's random streams.
            before: model of the cycle before, read by a warm start.
            resume: file of the training checkpoint, written now and then, continued from when it exists.
        """

    def predict(self, pool: Pool, ids: Sequence[str], *, want: frozenset[str]) -> Iterator[Prediction]:
        """Predict under the test transform and in eval mode, chunk by chunk, in the order of ``ids``."""

    def inputs(self, pool: Pool, ids: Sequence[str]) -> Tensor:
        """What the network reads of these images, see :meth:`PoolView.inputs`.

        Unless overridden, the images as the pool has them; they must have one size then.
        """
        from torch import as_tensor, stack

        images = stack([as_tensor(pool.load(id)) for id in ids])
        return images.movedim(-1, 1) if images.ndim == 4 else images

    def save(self, file: Path) -> None:
        """Write the model as safetensors, whole or not at all.

        Unless overridden, that is all attributes: tensors, numbers, texts, and lists and dicts of those.

        Raises:
            UsageError: an attribute is of another kind.
        """
        from safetensors.torch import save_file
        from torch import Tensor

        tensors = {
            name: value.contiguous() for name, value in vars(self).items() if isinstance(value, Tensor)
        }
        rest = {name: value for name, value in vars(self).items() if name not in tensors}
        try:
            said = json.dumps(rest, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise UsageError(
                f"{type(self).__name__} has attributes that are no tensors, numbers, texts, lists or "
                f"dicts ({', '.join(rest)}): have it override save and load ({error})"
            ) from error
        with whole_file(file) as partial:
            save_file(tensors, partial, {"attributes": said})

    def load(self, file: Path) -> None:
        """Read what :meth:`save` wrote; no code in it is run.

        Raises:
            DamagedRecord: it is no such file.
        """
        from safetensors import SafetensorError, safe_open

        try:
            check_regular(file)
            with safe_open(file, "pt") as opened:
                rest = dict(load_json(opened.metadata()["attributes"]))
                vars(self).update(rest, **{name: opened.get_tensor(name) for name in opened.keys()})  # noqa: SIM118
        except (OSError, SafetensorError, TypeError, KeyError, ValueError) as error:
            raise DamagedRecord(file, f"it holds no attributes of a learner ({error})") from error


@runtime_checkable
class BoxLearner(Learner, Protocol):
    """A learner whose labels are texts of boxes; :class:`ncenet.learners.detector.Detector` is one.

    Any :class:`Learner` with these three methods too is one; ``examples/torchvision_detector.py`` is whole.

    >>> import ncenet
    >>> isinstance(object(), ncenet.parts.BoxLearner)
    False
    """

    def detect(self, pool: Pool, ids: Sequence[str]) -> Iterator[Detections]:
        """The objects of each image in pixels of the original, likeliest first, in the order of ``ids``."""

    def objects(self, pool: Pool, said: Prediction) -> Iterator[Detections]:
        """What :meth:`detect` finds in images on which a prediction with boxes has been made."""

    def anchors(self, pool: Pool, id: str) -> Tensor:
        """The anchors (A, 4) on one image, in its pixels; they may reach beyond it."""
