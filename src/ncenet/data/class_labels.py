"""Classes in columns of tables: their values, and the names that the metadata of a schema gives them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ncenet.class_names import check_class_names, class_name_problem, shown
from ncenet.errors import DataError
from ncenet.tables import pyarrow

if TYPE_CHECKING:
    import pyarrow as arrow


def class_names_in(schema: arrow.Schema, where: object) -> tuple[str, ...]:
    """Names of the classes from a schema's metadata; none when it holds none.

    Args:
        schema: its metadata may hold ``class_names``, a JSON list, or what a Hugging Face set keeps there.
        where: for messages.

    Raises:
        DataError: names that cannot be read, or that no class can have.
    """
    metadata = schema.metadata or {}
    names: Any = ()
    try:
        if b"class_names" in metadata:
            names = json.loads(metadata[b"class_names"])
        elif b"huggingface" in metadata:
            names = json.loads(metadata[b"huggingface"])["info"]["features"].get("label", {}).get("names", ())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{where}: the class names in its metadata cannot be read: {error!r}") from error
    if not isinstance(names, list | tuple) or any(isinstance(name, bool) for name in names):
        raise DataError(f"{where}: the class names in its metadata are {shown(names)}, not a list of names")
    words = [str(name) if isinstance(name, int) else name for name in names]
    return check_class_names(words, f"{where}, class names in its metadata")


def classes_in(
    column: arrow.ChunkedArray, names: tuple[str, ...], where: object
) -> tuple[list[str], tuple[str, ...]]:
    """The class of each row and the names of all classes.

    Args:
        column: text, which is the name, or whole numbers: indices into the names, or names themselves.
        names: what the metadata says; none when it says nothing.
        where: for messages.

    Raises:
        DataError: labels of another type; a label that is missing or unknown or can't be the name of a class,
            with its row.
    """
    kind = pyarrow("reading labels").types
    of_values = column.type
    if kind.is_dictionary(of_values):
        of_values = of_values.value_type
    numbers = kind.is_integer(of_values)
    if not (numbers or kind.is_string(of_values) or kind.is_large_string(of_values)):
        raise DataError(f"{where}: the column 'label' holds {of_values}: classes are text or whole numbers")
    there = column.unique().to_pylist()  # in the order of their first rows
    if names and numbers:
        known: dict[Any, str] = dict(enumerate(names))
    else:
        known = {value: str(value) for value in names or sorted(set(there) - {None})}
    for value in there:
        problem = "is missing" if value is None else class_name_problem(known.get(value, str(value)))
        if problem is not None or value not in known:
            row = next(row for row in range(len(column)) if column[row].as_py() == value)
            at = f"{where}: row {row} (counted from 0)"
            if value is None:
                raise DataError(f"{at} has no label")
            raise DataError(f"{at} has the label {shown(value)}, which {problem or 'has no class name'}")
    return [known[value] for value in column.to_pylist()], tuple(known.values())
