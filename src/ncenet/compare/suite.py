"""A comparison on several data sets: the records of each, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ncenet.compare.comparison import Comparison
from ncenet.compare.read import read_comparison
from ncenet.compare.records import Results
from ncenet.errors import DataError
from ncenet.files import COMPARISON_FILE


@dataclass(frozen=True)
class SuiteResults:
    """A comparison on several data sets as far as it has come.

    Attributes:
        folder: where it was read.
        comparison: what was asked for.
        sets: by the name of the data set, those that were begun.
    """

    folder: Path
    comparison: Comparison
    sets: Mapping[str, Results]

    @cached_property
    def metric(self) -> str:
        """What the headline number of all sets is.

        Raises:
            DataError: it is not the same.
        """
        metrics = {results.metric: name for name, results in self.sets.items() if results.labeled}
        if len(metrics) > 1:
            shown = ", ".join(f"{metric} ({name})" for metric, name in metrics.items())
            raise DataError(f"data sets are tested by different numbers: {shown}: no comparison across them")
        return next(iter(metrics), next(iter(self.sets.values())).metric if self.sets else "accuracy")


def read_compared(folder: Path) -> Results | SuiteResults:
    """Read the folder of a comparison, on one data set or on several, finished or not.

    Raises:
        RecipeError: the folder has no ``comparison.yaml`` that can be read.
    """
    comparison = Comparison.load(folder / COMPARISON_FILE)
    if not comparison.data:
        return read_comparison(folder)
    return SuiteResults(
        folder,
        comparison,
        {
            name: read_comparison(path, part)
            for name, (part, path) in comparison.parts(folder).items()
            if (path / COMPARISON_FILE).exists()
        },
    )
