"""Columns of score files as arrays: ids, numbers, likelihoods, embeddings; and which of them a file holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np

from ncenet.errors import DataError, UsageError
from ncenet.score_columns import BOXES, EMBEDDING, LIKELIHOOD, PREDICTED, REASON
from ncenet.tables import pyarrow, type_word

if TYPE_CHECKING:
    import numpy.typing as npt

    from ncenet.selection.files import ScoreFiles

LIKELIHOODS = (LIKELIHOOD, "likelihoods", "probs", "probabilities", "likelihood[*]", "prob[*]", "prob_*")
TOLD = ("text", "null")
"""Types of a column that says why an image could not be read, the second where all could."""
EMBEDDINGS = (EMBEDDING, "embeddings", "features", "vector", "embedding_*")


@dataclass(frozen=True)
class Holding:
    """What score files hold, by the names of their columns.

    Attributes:
        likelihoods: one column of lists, or one column a class; empty when there is none.
        class_names: of the likelihoods, as far as the files say.
        embedding: one column of lists, or one column a number.
        boxes: the column of found objects.
        scores: columns of single numbers.
        reason: whether a column says which images could not be read.
    """

    likelihoods: tuple[str, ...]
    class_names: tuple[str, ...]
    embedding: tuple[str, ...]
    boxes: str | None
    scores: tuple[str, ...]
    reason: bool

    def sentence(self) -> str:
        """What it is, for messages."""
        found = []
        if self.likelihoods:
            found.append("class likelihoods")
        if self.boxes:
            found.append("boxes")
        if self.scores:
            found.append(f"the scores {', '.join(self.scores[:12])}")
        if self.embedding:
            found.append("embeddings")
        return "the files hold " + (" and ".join(found) or "ids alone")


def holding(files: ScoreFiles, *, probs: str | None = None, embedding: str | None = None) -> Holding:
    """What files hold.

    Args:
        files: score files.
        probs: name of the column of likelihoods, or a pattern such as ``p_*`` for one column a class.
        embedding: likewise for embeddings.

    Raises:
        UsageError: there is no column of a name that was given.
    """
    types = files.types
    likelihoods = _matching(types, (probs,) if probs else LIKELIHOODS, files, given=probs is not None)
    if len(likelihoods) == 1 and not _is_list(types[likelihoods[0]]) and not files.text:
        likelihoods = ()  # that of the likeliest class alone
    if files.text and len(likelihoods) == 1:
        likelihoods = ()
    vectors = _matching(types, (embedding,) if embedding else EMBEDDINGS, files, given=embedding is not None)
    boxes = BOXES if BOXES in types else None
    told = tuple(files.about.get("class_names", ()))
    named = tuple(_class_of(name) for name in likelihoods) if len(likelihoods) > 1 else told
    apart = {files.id, *likelihoods, *vectors}
    numbers = tuple(
        name
        for name, kind in types.items()
        if name not in apart
        and (files.text or kind.startswith(("float", "double", "halffloat", "int", "uint", "decimal")))
    )
    scores = tuple(name for name in numbers if not (files.text and name in (REASON, PREDICTED, BOXES)))
    return Holding(likelihoods, named, vectors, boxes, scores, types.get(REASON) in TOLD)


def texts(table: Any, name: str) -> Any:
    """A column as an array of text, of pyarrow."""
    pa = pyarrow("reading scores")
    column = table[name].combine_chunks() if hasattr(table[name], "combine_chunks") else table[name]
    return column if pa.types.is_string(column.type) else column.cast(pa.string())


def given(table: Any, name: str) -> npt.NDArray[np.bool_]:
    """Whether something stands in a column of text, (N,)."""
    there = pyarrow("reading scores").compute.not_equal(texts(table, name), "").fill_null(False)
    return np.asarray(there.to_numpy(zero_copy_only=False), dtype=bool)


def coded(table: Any, name: str, where: str) -> tuple[list[str], npt.NDArray[np.int64]]:
    """The distinct values of a column as text, and the number of each row's; what is missing is "".

    Raises:
        DataError: it holds lists, bytes or the like.
    """
    pa = pyarrow("reading scores")
    try:
        found = texts(table, name).fill_null("").dictionary_encode()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"{where}: the column {name!r} holds {type_word(table[name].type)}, and a quota counts images by "
            "one value each"
        ) from error
    return found.dictionary.to_pylist(), np.asarray(found.indices, dtype=np.int64)


def numbers_in(table: Any, name: str, where: str) -> npt.NDArray[Any]:
    """A column as an array (N,); what is missing is nan.

    Raises:
        DataError: it holds no numbers.
    """
    pa = pyarrow("reading scores")
    column = table[name]
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        trimmed = pa.compute.utf8_trim_whitespace(column)
        filled = pa.compute.if_else(pa.compute.equal(trimmed, ""), None, trimmed)
        try:
            column = filled.cast(pa.float64())
        except pa.ArrowInvalid as error:
            raise DataError(f"{where}: the column {name!r} holds what is no number: {error}") from error
    if pa.types.is_decimal(column.type) or pa.types.is_integer(column.type) or pa.types.is_null(column.type):
        column = column.cast(pa.float64(), safe=False)  # the nearest number, of those beyond 2**53
    if not pa.types.is_floating(column.type):
        raise DataError(f"{where}: the column {name!r} holds {column.type}, not numbers")
    if column.null_count:
        column = column.fill_null(pa.scalar(float("nan"), column.type))
    array: npt.NDArray[Any] = column.to_numpy()
    return array


def matrix(table: Any, names: Sequence[str], where: str) -> npt.NDArray[Any]:
    """Columns, or one column of lists, as an array (N, C) of their precision; what is missing is nan.

    Where all is missing, there are no columns. Whole numbers come in double precision, which holds them.

    Raises:
        DataError: rows of different lengths, or no numbers.
    """
    pa = pyarrow("reading scores")
    if len(names) > 1:
        return np.stack([numbers_in(table, name, where) for name in names], axis=1)
    column = table[names[0]]
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks)
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    kinds = pa.types
    if kinds.is_null(column.type):
        return np.empty((len(column), 0), np.float32)
    lists = kinds.is_list(column.type) or kinds.is_large_list(column.type)
    kind = column.type.value_type if lists or kinds.is_fixed_size_list(column.type) else None
    if kind is None or not (kinds.is_floating(kind) or kinds.is_integer(kind) or kinds.is_null(kind)):
        raise DataError(f"{where}: the column {names[0]!r} holds {column.type}, not lists of numbers")
    there = np.asarray(column.is_valid())
    values = column.flatten()
    if not kinds.is_floating(kind):
        values = values.cast(pa.float64(), safe=False)
    if values.null_count:
        values = values.fill_null(pa.scalar(float("nan"), values.type))
    count = int(there.sum())
    lengths = np.asarray(pa.compute.list_value_length(column.filter(pa.array(there))))
    if count and (lengths != lengths[0]).any():
        raise DataError(f"{where}: the column {names[0]!r} holds rows of different lengths")
    width = int(lengths[0]) if count else 0
    rows = np.asarray(values.to_numpy(zero_copy_only=False)).reshape(count, width)
    if count == len(column):
        return rows
    full = np.full((len(column), width), np.nan, rows.dtype)
    full[there] = rows
    return full


def _matching(
    types: Mapping[str, str], patterns: Sequence[str], files: ScoreFiles, *, given: bool
) -> tuple[str, ...]:
    for pattern in patterns:
        # Brackets are part of our own names, and no sets of characters.
        escaped = pattern.replace("[", "[[]")
        found = tuple(name for name in types if name == pattern or fnmatchcase(name, escaped))
        if found and (given or len(found) > 1 or _is_list(types[found[0]])):
            return found
    if given:
        raise UsageError(f"{files.names[0]}: has no column {patterns[0]!r}, only {', '.join(types)}")
    return ()


def _is_list(word: str) -> bool:
    return word.startswith("lists of") or " x " in word


def _class_of(name: str) -> str:
    """The class of a column such as ``likelihood[cat]`` or ``prob_cat``."""
    if name.endswith("]") and "[" in name:
        return name[name.index("[") + 1 : -1]
    return name.partition("_")[2] or name
