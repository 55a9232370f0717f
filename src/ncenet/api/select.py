"""Query strategies on plain arrays and on files of scores, without a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from numbers import Integral, Number
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, TypeAlias, Unpack

from ncenet.api.tensors import tensor_of
from ncenet.arrays import check_vectors
from ncenet.counts import count_of
from ncenet.errors import UsageError
from ncenet.progress import Onlooker, Watch
from ncenet.strategies.promise import checked_seed, checked_size, query_of
from ncenet.types import Prediction, Query, QueryStrategy, whole_strategy

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor

    from ncenet.selection.wish import Choice, OfFiles

    Array: TypeAlias = npt.ArrayLike | Tensor

SIZE = 100
"""Images of a query when nobody says how many (ours)."""
Files: TypeAlias = "str | PathLike[str] | Sequence[str | PathLike[str]]"
FROM_ARRAYS = frozenset({"probs", "features", "samples", "boxes"})
"""What a strategy may need and arrays can hold; the rest is made while a network is trained."""


def select(
    predictions: Prediction | Iterable[Prediction] | Array | Files | None = None,
    query_size: int | None = None,
    *,
    strategy: str | QueryStrategy | None = None,
    options: Mapping[str, object] | None = None,
    probs: Array | str | None = None,
    features: Array | None = None,
    samples: Array | None = None,
    boxes: Array | int | None = None,
    ids: Sequence[str] | None = None,
    labeled_probs: Array | None = None,
    labeled_features: Array | None = None,
    labels: Sequence[int] | None = None,
    seed: int = 0,
    notify: Watch = None,
    **of_files: Unpack[OfFiles],
) -> Query:
    """The images to label next, by predictions of any model.

    Arrays are NumPy's, torch's, or lists. Files are read as ``ncenet select`` reads them, chunk by chunk, so
    they may be larger than memory.

    Args:
        predictions: what a model says of the pool: likelihoods (N, C), one
            :class:`ncenet.parts.Prediction` or several, or what ``Model.predict`` returned, in the place of
            ``probs``. Or one or several files of scores, folders or addresses of such.
        query_size: how many images; all come when there are fewer. Default: 100, or what a budget of files
            pays for.
        strategy: name of a strategy, or one of your own. Default: margin; difficulty on files of boxes.
        options: of the strategy, when it is named.
        probs: likelihoods (N, C) in [0, 1]; of a detector (N, A, C + 1), the background last.
        features: vectors (N, D), for strategies that compare images.
        samples: likelihoods (M, N, C) of M passes or members, for ``bald`` and committees.
        boxes: (N, A, 4) in parts of the image, for a detector's scores after suppression.
        ids: N distinct ids. Default: numbers, ``"00012"``.
        labeled_probs: (L, C), the same of the images that have a label.
        labeled_features: (L, D), likewise.
        labels: L class indices in [0, C), likewise.
        seed: of whatever the strategy draws.
        notify: of files: told how many rows are read. Default: it is shown; False: it is not.
        of_files: what else may be said of files: ``by`` (a column of numbers that ranks), ``diversify``,
            ``factor``, ``near``, ``quota``, ``exclude``, ``minutes``, ``seconds_per_image``,
            ``seconds_per_box``, ``pace``, ``id_column``, ``embedding``; see
            :class:`ncenet.selection.wish.OfFiles`. There ``probs`` names columns, and ``boxes`` is a budget.

    Returns:
        Ids and scores, most informative first.

    Raises:
        UnknownName: there is no such strategy.
        UsageError: the strategy needs what was not given, or what no array can hold.
        NonFiniteScore: a likelihood is nan or inf.
        DataError: a file cannot be read, or doesn't go with the others; or vectors that are compared hold nan
            or inf, lie absurdly far from all others, or are alike in single precision.

    >>> import ncenet
    >>> probs = [[0.875, 0.125], [0.5, 0.5], [0.625, 0.375]]
    >>> ncenet.select(probs, 2, ids=["sure", "torn", "nearly"])
    Query(ids=('torn', 'nearly'), scores=(0.0, -0.25))
    >>> features, known = [[0.0], [1.0], [9.0]], [[0.0]]
    >>> ncenet.select(features=features, query_size=1, strategy="core-set", labeled_features=known)
    Query(ids=('00002',), scores=(81.0,))
    """
    from ncenet.selection.choose import choose_from
    from ncenet.selection.wish import check_names, wish_of

    check_names(of_files)
    if files := files_of(predictions):
        arrays = features, samples, ids, labeled_probs, labeled_features, labels
        if any(array is not None for array in arrays) or not isinstance(probs, str | None):
            raise UsageError("files of scores say all that is read of the images: leave the arrays out")
        if not isinstance(boxes, int | None):
            raise UsageError("of files of scores, `boxes` is how many may be drawn")
        if not isinstance(strategy, str | None):
            raise UsageError("a strategy of your own reads arrays; of files, name one")
        if query_size is None and boxes is None and of_files.get("minutes") is None:
            query_size = SIZE
        ranked: Choice = {"strategy": strategy, "options": options or {}, "probs": probs, "boxes": boxes}
        choice: Choice = {**ranked, **of_files}
        wish = wish_of(query_size, seed=seed, **choice)
        with Onlooker(notify).at_work() as show:
            return choose_from(files, wish, show).query
    if of_files:
        raise UsageError(f"{', '.join(of_files)}: for files of scores, and these are arrays")
    import torch

    from ncenet.strategies import strategies
    from ncenet.strategies.options import checked

    size = SIZE if query_size is None else checked_size(query_size)
    strategy = strategy or "margin"
    name = strategy if isinstance(strategy, str) else type(strategy).__name__
    if isinstance(strategy, str):

        def make(factory: Callable[..., QueryStrategy]) -> QueryStrategy:
            checked(factory, options or {}, where="options.", name=f"strategy {name}")
            return factory(**(options or {}))

        strategy = strategies.use(name, make)
    elif options:
        raise UsageError("options are of a strategy that is named; this one is an object and has its own")
    strategy = whole_strategy(strategy)
    chunks = _chunks(predictions)
    whole = _joined(chunks) if chunks else predictions
    pool = _pool(whole, probs=probs, features=features, samples=samples, boxes=boxes, ids=ids)
    _check(strategy.needs, pool, name, chunks)
    labels = None if labels is None else _listed(labels, "labels")
    labeled = _labeled(pool, labeled_probs, labeled_features, labels)
    if "features" in strategy.needs:
        _check_features(pool, "features")
        _check_features(labeled, "labeled_features")
    lacking = [
        what
        for what, there in (("probs", labeled_probs), ("features", labeled_features))
        if what in strategy.needs and there is None
    ]
    view = _ArrayView(pool, labeled, _indices(labels, pool), name, lacking)
    return query_of(strategy, view, size, rng=torch.Generator().manual_seed(checked_seed(seed)))


def files_of(given: Any) -> list[str]:
    """Addresses of files, if it is such that were given."""
    several = isinstance(given, list | tuple) and given and all(isinstance(g, str | PathLike) for g in given)
    return [fspath(each) for each in (given if several else [given]) if isinstance(each, str | PathLike)]


class _ArrayView:
    """A :class:`ncenet.types.PoolView` of arrays; ``lacking`` is what labelled images were given without."""

    def __init__(
        self,
        pool: Prediction,
        labeled: Prediction | None,
        labels: Sequence[int],
        name: str,
        lacking: Sequence[str],
    ) -> None:
        self._pool, self._labeled, self.labels = pool, labeled, labels
        self._name, self._lacking = name, lacking
        self.ids: Sequence[str] = pool.ids
        self.labeled_ids: Sequence[str] = () if labeled is None else labeled.ids

    def predictions(self) -> Iterator[Prediction]:
        if self.ids:
            yield self._pool

    def labeled_predictions(self) -> Iterator[Prediction]:
        if self._labeled is None:
            return
        for what in self._lacking:
            raise UsageError(f"{self._name} reads {what} of the labelled images too: give labeled_{what}")
        yield self._labeled

    def inputs(self, ids: Sequence[str]) -> Tensor:
        raise UsageError("arrays of predictions hold no images")


def _pool(
    predictions: Any, *, ids: Sequence[str] | None, probs: Any, features: Any, **extras: Any
) -> Prediction:
    """Everything that was given of the pool, as one prediction."""
    import torch

    if predictions is not None and probs is not None:
        raise UsageError("predictions and probs are the same: give one of them")
    if predictions is not None and not isinstance(predictions, Prediction):
        said = getattr(predictions, "likelihood", None)
        if said is not None:  # what Model.predict returned
            ids, probs = predictions.ids if ids is None else ids, said
        else:
            probs = predictions
    if isinstance(predictions, Prediction):
        if ids is not None:
            raise UsageError("predictions bring their own ids: leave ids out")
        ids, probs = predictions.ids, predictions.probs
        features = predictions.features if features is None else features
        extras |= {key: value for key, value in (predictions.extras or {}).items() if extras.get(key) is None}
    given = {
        "probs": (probs, 0),
        "features": (features, 0),
        **{k: (v, k == "samples") for k, v in extras.items()},
    }
    arrays = {
        key: (tensor_of(value, key), int(axis)) for key, (value, axis) in given.items() if value is not None
    }
    if not arrays and ids is None:
        raise UsageError("nothing to choose by: give predictions, probs or features; random takes ids alone")
    sizes = {key: tensor.shape[axis] for key, (tensor, axis) in arrays.items()}
    if len(set(sizes.values())) > 1:
        raise UsageError("of different numbers of images: " + ", ".join(f"{k} {n}" for k, n in sizes.items()))
    names = None if ids is None else _names(ids)
    count = next(iter(sizes.values()), len(names or ()))
    names = [f"{row:05}" for row in range(count)] if names is None else names
    if len(names) != count or len(set(names)) < count:
        needed = f"{count_of(count, 'image needs', 'images need')} {count_of(count, 'distinct id')}"
        raise UsageError(f"{needed}, got {len(set(names))}")
    tensors = {key: tensor for key, (tensor, _) in arrays.items()}
    probs_, features_ = tensors.pop("probs", torch.empty(count, 0)), tensors.pop("features", None)
    return Prediction(names, probs_, features_, tensors)


def _names(ids: Any) -> list[str]:
    """Ids as text.

    Raises:
        UsageError: one is no text and no number: written out, it would be an id that nobody gave.
    """
    names = []
    for id in _listed(ids, "ids"):
        number, several = isinstance(id, Number), isinstance(id, Sized)
        if id is None or (number and not isinstance(id, Integral)) or (several and not isinstance(id, str)):
            raise UsageError(f"ids: {id!r} is of type {type(id).__name__}: an id is a text or a whole number")
        names.append(str(id))
    return names


def _listed(values: Any, name: str) -> list[Any]:
    """Values one by one, numbers as Python's: those of a tensor write themselves as tensor(5)."""
    listed = values.tolist() if hasattr(values, "tolist") else values
    if not isinstance(listed, Iterable) or isinstance(listed, str):
        raise UsageError(f"{name}: one for each image, and {values!r} is not several")
    return list(listed)


def _labeled(pool: Prediction, probs: Any, features: Any, labels: Any) -> Prediction | None:
    """What was given of the labelled images; None when nothing was."""
    import torch

    said = None if probs is None else tensor_of(probs, "labeled_probs")
    vectors = None if features is None else tensor_of(features, "labeled_features")
    given = [each for each in (said, vectors, labels) if each is not None]
    if not given:
        return None
    sizes = {len(each) for each in given}
    if len(sizes) > 1:
        raise UsageError("labeled_probs, labeled_features and labels are of different numbers of images")
    begins = "labeled/"
    while any(id.startswith(begins) for id in pool.ids):  # ids of the pool are their own
        begins = f"_{begins}"
    ids = [f"{begins}{row:05}" for row in range(sizes.pop())]
    said = torch.empty(len(ids), 0) if said is None else said
    for mine, theirs, what in ((vectors, pool.features, "features"), (said, pool.probs, "probs")):
        if mine is not None and theirs is not None and mine.numel() and mine.shape[1:] != theirs.shape[1:]:
            raise UsageError(
                f"labeled_{what} are {tuple(mine.shape)} and {what} {tuple(theirs.shape)}: "
                "rows of different lengths"
            )
    return Prediction(ids, said, vectors)


def _indices(labels: Sequence[int] | None, pool: Prediction) -> list[int]:
    """Class indices of the labelled images, each that of a column of the likelihoods, if there are any."""
    classes = pool.probs.shape[-1]
    for label in [] if labels is None else labels:
        if not hasattr(label, "__index__") or not 0 <= int(label) < (classes or int(label) + 1):
            of = f" of {classes} classes" if classes else ""
            raise UsageError(f"labels: {label!r} is no class index{of}, from 0 on")
    return [] if labels is None else [int(label) for label in labels]


def _check(needs: frozenset[str], pool: Prediction, name: str, chunks: Sequence[Prediction]) -> None:
    for what in sorted(needs - FROM_ARRAYS):
        why = "reads images" if what == "inputs" else f"reads {what}, which is trained beside a network"
        raise UsageError(
            f"{name} {why}, and arrays hold none: use it in a run (ncenet.open, ncenet.simulate)"
        )
    there = {"probs": pool.probs.numel() > 0 or not pool.ids, "features": pool.features is not None}
    for what in sorted(needs):
        if not there.get(what, what in pool.extras):
            some = [chunk for chunk in chunks if len(chunk.ids)]
            without = [chunk for chunk in some if what not in _parts(chunk)]
            if 0 < len(without) < len(some):
                raise UsageError(f"{name} needs {what}, and {_which(without[0])} has none")
            raise UsageError(f"{name} needs {what}: give {what}=")


def _check_features(of: Prediction | None, name: str) -> None:
    """Refuse vectors that cannot be compared, by their ids."""
    import torch

    if of is not None and of.features is not None and of.features.numel():
        half = of.features.dtype == torch.bfloat16  # which NumPy doesn't have
        vectors = of.features.float() if half else of.features
        check_vectors(vectors.numpy(), name, lambda row: repr(of.ids[row]))


def _chunks(predictions: Any) -> list[Prediction]:
    """Predictions in several chunks, without those of no image; none when this is something else."""
    if hasattr(predictions, "shape") or not isinstance(predictions, Iterable):
        return []
    chunks = list(predictions)
    return chunks if chunks and all(isinstance(chunk, Prediction) for chunk in chunks) else []


def _parts(chunk: Prediction) -> dict[str, Tensor]:
    """The arrays of a chunk by name; one without columns says nothing, and is left out."""
    given = {"probs": chunk.probs, "features": chunk.features, **(chunk.extras or {})}
    tensors = {key: tensor_of(array, key) for key, array in given.items() if array is not None}
    for key, tensor in tensors.items():
        if (rows := tensor.shape[int(key == "samples")]) != len(chunk.ids):
            raise UsageError(
                f"{_which(chunk)} has {count_of(len(chunk.ids), 'id')} and {key} of {count_of(rows, 'image')}"
            )
    return {key: tensor for key, tensor in tensors.items() if 0 not in tensor.shape[1:]}


def _which(chunk: Prediction) -> str:
    """A chunk in words."""
    return f"the chunk that begins with {chunk.ids[0]!r}" if len(chunk.ids) else "a chunk"


def _joined(chunks: Sequence[Prediction]) -> Prediction:
    """Chunks as one prediction; what some of them are without, all are."""
    import torch

    ids = [id for chunk in chunks for id in chunk.ids]
    read = [(_parts(chunk), len(chunk.ids)) for chunk in chunks]
    parts = [part for part, count in read if count] or [part for part, _ in read]
    kept = [key for key in parts[0] if all(key in part for part in parts)]
    whole = {key: _together([part[key] for part in parts], key) for key in kept}
    return Prediction(ids, whole.pop("probs", torch.empty(len(ids), 0)), whole.pop("features", None), whole)


def _together(tensors: list[Tensor], name: str) -> Tensor:
    """An array of the images of all chunks."""
    import torch

    axis = int(name == "samples")
    shapes = [(*tensor.shape[:axis], *tensor.shape[axis + 1 :]) for tensor in tensors]
    if other := next((number for number, shape in enumerate(shapes) if shape != shapes[0]), None):
        raise UsageError(
            f"{name} are {tuple(tensors[0].shape)} in the first chunk and {tuple(tensors[other].shape)} in "
            "another: rows of different lengths"
        )
    return torch.cat(tensors, dim=axis)
