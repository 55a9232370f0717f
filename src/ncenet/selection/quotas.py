"""Quotas: how many images of each value of a column a query has, at least and at most."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ncenet.counts import count_of
from ncenet.errors import UsageError
from ncenet.selection.best import Row


@dataclass(frozen=True)
class Quota:
    """Bounds for each value of a column.

    Attributes:
        column: such as the camera.
        least: images of each value, as far as it has so many.
        most: images of each value; None for any number.

    >>> Quota.parse("camera=500"), Quota.parse("site=20:")
    (Quota(column='camera', least=0, most=500), Quota(column='site', least=20, most=None))
    """

    column: str
    least: int = 0
    most: int | None = None

    @classmethod
    def parse(cls, text: str) -> Quota:
        """Read ``COLUMN=MOST``, ``COLUMN=LEAST:MOST`` or ``COLUMN=LEAST:``.

        Raises:
            UsageError: it is none of these.
        """
        column, _, bounds = text.rpartition("=")
        found = re.fullmatch(r"(?:(\d*)(:))?(\d*)", bounds.strip())
        if not column or found is None or not (found[1] or found[3]):
            raise UsageError(f"`quota` {text}: expected COLUMN=MOST, COLUMN=LEAST:MOST or COLUMN=LEAST:")
        least, most = int(found[1] or 0), int(found[3]) if found[3] else None
        if most is not None and (most < 1 or least > most):
            raise UsageError(f"`quota` {text}: at most {most} and at least {least} cannot be")
        return cls(column.strip(), least, most)


@dataclass(frozen=True)
class Shared:
    """What a query takes of each cell.

    Attributes:
        counts: images of each cell, by its number.
        short: values of which fewer than the least fit, with how many came.
    """

    counts: Counter[int]
    short: dict[tuple[str, str], int]


def check_quotas(quotas: Sequence[Quota]) -> None:
    """Refuse quotas of one column that contradict each other.

    Raises:
        UsageError: names the column.
    """
    for column in {quota.column for quota in quotas}:
        least = max(quota.least for quota in quotas if quota.column == column)
        bounds = [quota.most for quota in quotas if quota.column == column and quota.most is not None]
        if bounds and min(bounds) < least:
            raise UsageError(f"`quota` {column}: at most {min(bounds)} and at least {least} cannot be")


def share(
    rows: Sequence[Row], values: Sequence[tuple[str, ...]], quotas: Sequence[Quota], query_size: int
) -> Shared:
    """Share a query out over cells: first the least of each value, then the best that there is room for.

    Of images for the least those come first that count for most columns, so that it takes few.

    Args:
        rows: the best of each cell, best first.
        values: of each cell, parallel to ``quotas``.
        quotas: the bounds.
        query_size: images in all.

    Raises:
        UsageError: the least of all values together is more than the query.
    """
    taken: Counter[int] = Counter()
    per_value: list[Counter[str]] = [Counter() for _ in quotas]
    used = [False] * len(rows)

    def room(cell: int) -> bool:
        return all(
            quota.most is None or counts[value] < quota.most
            for quota, counts, value in zip(quotas, per_value, values[cell], strict=True)
        )

    def take(place: int) -> None:
        used[place] = True
        cell = rows[place].cell
        taken[cell] += 1
        for counts, value in zip(per_value, values[cell], strict=True):
            counts[value] += 1

    def wanted(cell: int) -> int:
        """In how many columns the least of a value isn't reached."""
        each = zip(quotas, per_value, values[cell], strict=True)
        return sum(counts[value] < quota.least for quota, counts, value in each)

    for columns in range(sum(quota.least > 0 for quota in quotas), 0, -1):
        for place, row in enumerate(rows):
            if not used[place] and wanted(row.cell) >= columns and room(row.cell):
                take(place)
    if taken.total() > query_size:
        least = ", ".join(f"{quota.column} at least {quota.least}" for quota in quotas if quota.least)
        raise UsageError(
            f"{least}: that is {count_of(taken.total(), 'image')} of the values there are, and the query has "
            f"{query_size:,}"
        )
    for place, row in enumerate(rows):
        if taken.total() >= query_size:
            break
        if not used[place] and room(row.cell):
            take(place)
    short = {
        (quota.column, value): per_value[which][value]
        for which, quota in enumerate(quotas)
        for value in sorted({each[which] for each in values})
        if per_value[which][value] < quota.least
    }
    return Shared(taken, short)
