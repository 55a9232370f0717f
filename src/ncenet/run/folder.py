"""The run folder: where everything that a run leaves behind has its place.

::

    run/
    ├── ledger.sqlite           items, answers, cycles, queries: the truth
    ├── recipe.yaml             what was asked for
    ├── bad_images.csv          images that could not be read or are annotated wrongly, with the reason
    ├── duplicates.csv          images of pool and test set whose bytes are the same
    ├── images.csv             where images are whose files were moved and renamed since
    ├── looks-pool.csv          what a look at each image found: what has not changed is not decoded again
    ├── events.jsonl            what happened when
    ├── page-token             opens the labelling page; page-address says where that was served last
    ├── annotators.json         links of annotators, as digests
    ├── .lock, .label.lock      by which those know of each other who train, and who serve the page
    └── cycles/001/
        ├── model.safetensors   the network after the fit
        ├── fit.json            how the fit went
        ├── test.json           accuracy (or mAP) on the held-out images, when there are any
        ├── test.csv            id, label and prediction of each of them
        ├── detections.csv      with boxes, what was found in them instead
        ├── pictures/           with boxes, a few small pictures of that and of the query
        ├── query.json          who was asked for what, and how long that took
        ├── why.json            why each queried image was, for the labelling page
        ├── doubts.json         labelled images whose label looks wrong, the worst first
        ├── opinions.npz        what the network says of the pool, for the labelling page
        └── query.csv           rank, id and score of each queried image

Every file is written under a temporary name and renamed, so it is there whole or not at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ncenet.errors import DataError, UsageError
from ncenet.files import ANALYSIS, COMPARISON_FILE, LEDGER_FILE

CYCLES = "cycles"
"""Folder of a run, in which its cycles have folders."""
OWN = re.compile(
    r"cycles/.*|ledger\.sqlite.*|recipe\.yaml|(bad_images|duplicates|images|looks-.*)\.csv|events\.jsonl"
    r"|page-(token|address)|(annotators|label-studio)\.json"
)
"""Files of a run, relative to its folder."""


def refuse_own(out: Path) -> None:
    """Make sure that what is written for others takes the place of no file of a run.

    Raises:
        UsageError: it would.
    """
    place = out.absolute()
    for folder in place.parents if place.is_file() else ():
        if OWN.fullmatch(place.relative_to(folder).as_posix()) and (folder / LEDGER_FILE).exists():
            raise UsageError(f"{out}: is a file of the run in {folder}; name another file")


def refuse_comparison(folder: Path) -> None:
    """Make sure that a folder that is to be that of a run isn't the one of a comparison, which holds several.

    Raises:
        UsageError: it is.
    """
    if not (folder / COMPARISON_FILE).exists():  # trials may lie deeper, of a comparison in it
        return
    for pattern in ("*/seed-*/recipe.yaml", "*/*/seed-*/recipe.yaml"):  # of one data set, and of several
        if (trial := min(folder.glob(pattern), default=None)) is not None:
            raise UsageError(
                f"{folder}: holds a comparison, whose trials are runs: name one, such as {trial.parent}"
            )


def refuse_run(folder: Path) -> None:
    """Make sure that a folder that is to be that of a comparison isn't the one of a run, begun or not.

    Raises:
        UsageError: it is, it is a file, or it is :func:`refuse_kept`.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: is a file, and a comparison has a folder of its own")
    files = RunFolder(folder)
    if (files.ledger.exists() or files.recipe.exists()) and not (folder / COMPARISON_FILE).exists():
        raise UsageError(f"{folder}: holds a run, and a comparison keeps its own: name another folder")
    refuse_kept(folder)


def refuse_kept(folder: Path) -> None:
    """Make sure that a folder isn't one in which a run or a comparison keeps what is its own.

    Raises:
        UsageError: it lies in ``cycles/`` of a run, or is the folder of an arm or ``analysis/``.
    """
    place = folder.absolute()
    for at in (place, *place.parents):
        if at.name == CYCLES and (at.parent / LEDGER_FILE).exists():
            raise UsageError(f"{folder}: lies within the run in {at.parent}: name another folder")
    of_comparison = (place.parent / COMPARISON_FILE).exists() and not (place / COMPARISON_FILE).exists()
    if of_comparison and (place.name == ANALYSIS or any(place.glob("seed-*/recipe.yaml"))):
        raise UsageError(f"{folder}: belongs to the comparison in {place.parent}: name another folder")


def runs_within(folder: Path) -> str:
    """What to add to the refusal of a folder that is no run's: one in it that is; empty where none is."""
    marks = ("*/recipe.yaml", f"*/{COMPARISON_FILE}", f"*/{LEDGER_FILE}")
    within = min((file.parent for mark in marks for file in folder.glob(mark)), default=None)
    return "" if within is None else f"; folders in it are: name one, such as {within}"


@dataclass(frozen=True)
class CycleFolder:
    """Paths of the files of one cycle; see :mod:`ncenet.run.records` for what they hold.

    Attributes:
        path: the folder, made by whoever writes the first file of the cycle.
    """

    path: Path

    @property
    def number(self) -> int:
        """Of the cycle; 0 for what was asked before there was a model."""
        return int(self.path.name)

    @property
    def model(self) -> Path:
        """The network after the fit."""
        return self.path / "model.safetensors"

    @property
    def checkpoint(self) -> Path:
        """From where a fit that was interrupted goes on."""
        return self.path / "checkpoint.pt"

    def checkpoints(self) -> list[Path]:
        """That, and those of each member of a committee."""
        return sorted(self.path.glob("checkpoint*.pt"))

    @property
    def fit(self) -> Path:
        """How the fit went."""
        return self.path / "fit.json"

    @property
    def test(self) -> Path:
        """What the network is worth."""
        return self.path / "test.json"

    @property
    def predicted(self) -> Path:
        """What became of each held-out image."""
        return self.path / "test.csv"

    @property
    def detections(self) -> Path:
        """What was found in them."""
        return self.path / "detections.csv"

    @property
    def asked(self) -> Path:
        """Who asked for what."""
        return self.path / "query.json"

    @property
    def query(self) -> Path:
        """The images that were asked for."""
        return self.path / "query.csv"

    @property
    def opinions(self) -> Path:
        """What the network says of the pool."""
        return self.path / "opinions.npz"

    @property
    def doubts(self) -> Path:
        """Labelled images whose label looks wrong."""
        return self.path / "doubts.json"

    @property
    def left_out(self) -> Path:
        """What models that did not learn a labelled image said of it."""
        return self.path / "left_out.json"

    @property
    def choosing(self) -> Path:
        """What labels of chosen images taught, beside random ones."""
        return self.path / "choosing.json"

    @property
    def reasons(self) -> Path:
        """Why each of them was."""
        return self.path / "why.json"


class RunFolder:
    """Paths and files of one run; nothing is made before something is written.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def ledger(self) -> Path:
        """File of the ledger."""
        return self.path / LEDGER_FILE

    @property
    def recipe(self) -> Path:
        """File of the recipe."""
        return self.path / "recipe.yaml"

    @property
    def bad_images(self) -> Path:
        """Table of the images that cannot be read."""
        return self.path / "bad_images.csv"

    @property
    def duplicates(self) -> Path:
        """Table of the images whose bytes are the same."""
        return self.path / "duplicates.csv"

    @property
    def page_address(self) -> Path:
        """Where the labelling page was served last, without a token."""
        return self.path / "page-address"

    @property
    def images(self) -> Path:
        """Which file is which image, of a run whose images were moved and renamed."""
        return self.path / "images.csv"

    def looks(self, place: str) -> Path:
        """File of what looks at the images of a place, ``"pool"`` or ``"test"``, found."""
        return self.path / f"looks-{place}.csv"

    @property
    def events(self) -> Path:
        """What happened when."""
        return self.path / "events.jsonl"

    @property
    def all_cycles(self) -> Path:
        """Folder of the folders of cycles."""
        return self.path / CYCLES

    def cycle(self, cycle: int) -> CycleFolder:
        """Files of a cycle; nothing is made.

        >>> RunFolder(Path("run")).cycle(7).fit.as_posix()
        'run/cycles/007/fit.json'
        """
        return CycleFolder(self.all_cycles / f"{cycle:03d}")

    def cycles(self) -> list[CycleFolder]:
        """Those cycles that have a folder, in order."""
        found = [path for path in self.all_cycles.glob("*") if path.name.isdecimal() and path.is_dir()]
        return [CycleFolder(path) for path in sorted(found, key=lambda path: int(path.name))]

    def models(self) -> list[Path]:
        """Files of the models that are there, by cycle."""
        return [cycle.model for cycle in self.cycles() if cycle.model.exists()]

    def last_model(self, fitted: int = 0) -> Path | None:
        """The model of the last cycle that was trained; None when there is none.

        Args:
            fitted: the last cycle whose fit the ledger knows as finished; 0 when it isn't asked.

        Raises:
            DataError: that file is missing. The model before is another, and doesn't take its place unasked.
        """
        models = {cycle.number: cycle.model for cycle in self.cycles() if cycle.model.exists()}
        fits = [cycle.number for cycle in self.cycles() if cycle.fit.exists()]
        last = max([*models, *fits, fitted], default=0)
        if last and last not in models:
            earlier = f", or name an earlier one: {models[max(models)]}" if models else ""
            raise DataError(
                f"{self.cycle(last).model}: the model of the last cycle is missing: restore it{earlier}"
            )
        return models.get(last)
