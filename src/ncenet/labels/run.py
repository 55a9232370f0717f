"""A run folder as far as bridges need it: its ledger, its classes, its images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ncenet.data.open import open_dataset
from ncenet.errors import UsageError
from ncenet.labels.records import Known, Labels, Record
from ncenet.ledger import Ledger
from ncenet.recipe import Recipe
from ncenet.types import Pool


@dataclass(frozen=True)
class Run:
    """A run that was begun.

    Attributes:
        folder: where it lives.
        recipe: what was asked for.
        ledger: what was answered.
    """

    folder: Path
    recipe: Recipe
    ledger: Ledger

    @property
    def class_names(self) -> tuple[str, ...]:
        """The C classes."""
        return self.ledger.class_names()

    def pool(self) -> Pool:
        """The images; opened anew with each call."""
        data = self.recipe.data
        return open_dataset(data.train, task=self.recipe.task, classes=data.classes).pool

    def labels(self, *, link: bool = False) -> Labels:
        """The standing answers, for a format to write."""
        records = [Record.of(event) for event in self.ledger.answers()]
        return Labels(records, self.class_names, self.pool, self.recipe.task, link)

    def known(self) -> Known:
        """Images and classes, for a format to lean on when it reads."""
        return Known(self.ledger.items(), self.class_names, self.pool)

    def last_model(self) -> Path | None:
        """The model of the last cycle that was trained; None when there is none."""
        models = sorted(self.folder.glob("cycles/*/model.safetensors"))
        return models[-1] if models else None


@contextmanager
def opened(folder: Path, *, read_only: bool = False) -> Iterator[Run]:
    """A run while the block runs.

    Args:
        folder: the run folder.
        read_only: write no answers.

    Raises:
        UsageError: there is no run in this folder.
    """
    if not (folder / "recipe.yaml").exists():
        raise UsageError(f"{folder}: no run here; ncenet ask makes one")
    if not (folder / "ledger.sqlite").exists():
        raise UsageError(f"{folder}: a recipe, and nothing was asked yet; ncenet label or ncenet ask begins")
    with Ledger(folder / "ledger.sqlite", read_only=read_only) as ledger:
        yield Run(folder, Recipe.load(folder / "recipe.yaml"), ledger)
