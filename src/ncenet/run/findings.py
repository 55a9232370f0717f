"""What is wrong with the images of a run, found before anything is trained."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ncenet.counts import count_of
from ncenet.data.dataset import Dataset
from ncenet.data.scan import Scan, scan
from ncenet.errors import BadAnnotation, UnreadableImage, UnreadableImages
from ncenet.progress import Notify
from ncenet.recipe import Recipe
from ncenet.run.folder import RunFolder
from ncenet.tables import write_csv

SHOWN = 3
"""Copies, and images of which there are some, that a line names (ours)."""


def copies(pool: Scan, test: Scan | None) -> int:
    """How many images of the pool have the bytes of a test image; 0 without test images."""
    if test is None:
        return 0
    tested = set(test.hashes.values())
    return sum(content_hash in tested for content_hash in pool.hashes.values())


@dataclass(frozen=True)
class Findings:
    """What a look at a data set found.

    Attributes:
        scan: at its images.
        annotations: mistakes in what is said of them.
    """

    scan: Scan
    annotations: tuple[BadAnnotation, ...]

    @property
    def problems(self) -> list[UnreadableImage | BadAnnotation]:
        """Everything that is wrong, the images first."""
        return [*self.scan.problems, *self.annotations]

    @property
    def sound(self) -> list[str]:
        """Ids of the images that can be used, in the order of the pool."""
        bad = {problem.id for problem in self.problems}
        return [id for id in self.scan.readable if id not in bad]

    def reasons(self) -> dict[str, str]:
        """Why images are left out, by id."""
        reasons: dict[str, str] = {}
        for problem in self.problems:
            before = f"{reasons[problem.id]}; " if problem.id in reasons else ""
            reasons[problem.id] = before + problem.why
        return reasons


def look_at_images(
    dataset: Dataset,
    recipe: Recipe,
    notify: Notify | None = None,
    *,
    seen: Scan | None = None,
    kept: Path | None = None,
) -> Findings:
    """Decode every image of a data set once, and gather what its annotations lack.

    Args:
        dataset: where they are.
        recipe: says how many threads decode.
        notify: told of the progress.
        seen: what a look a moment ago found, to be taken as it is.
        kept: as in :func:`scan_pool`.
    """
    return Findings(seen or scan_pool(dataset, recipe, notify, kept=kept), dataset.problems)


def scan_pool(
    dataset: Dataset, recipe: Recipe, notify: Notify | None = None, *, kept: Path | None = None
) -> Scan:
    """Decode every image of a data set once.

    Args:
        dataset: where they are.
        recipe: says how many threads decode.
        notify: told of the progress.
        kept: file of what earlier looks found: images that have not changed since are not decoded again.
    """

    def count(done: int, total: int) -> None:
        if notify is not None:
            notify({"event": "scan", "done": done, "total": total})

    return scan(dataset.pool, workers=recipe.data.workers, progress=count, kept=kept)


def left_out_note(pool: Findings, test: Findings | None, listed: str) -> str | None:
    """What is said of images that are left out, in a line; None where none is.

    The same for all runs on these images, as :func:`contradiction_note`.

    Args:
        pool: what is wrong with the images of the pool.
        test: the same of the test images; None without such.
        listed: the file that lists them.
    """
    parts = [
        f"{of}{said}"
        for of, found in (("", pool), ("of the test images ", test))
        if found is not None and (said := _unusable(found))
    ]
    return f"left out: {'; '.join(parts)}. {listed} of the run says why" if parts else None


def _unusable(found: Findings) -> str:
    unread = {problem.id for problem in found.scan.problems}
    mistaken = {problem.id for problem in found.annotations} - unread
    said = [f"{count_of(len(unread), 'image')} that cannot be read"] * bool(unread)
    said += [f"{count_of(len(mistaken), 'image')} with a mistake in the annotations"] * bool(mistaken)
    return " and ".join(said)


def write_findings(
    run: RunFolder,
    recipe: Recipe,
    pool: Findings,
    test: Findings | None,
    differing: Collection[str] = (),
) -> None:
    """List what was found in the run folder: ``bad_images.csv`` and ``duplicates.csv``.

    Args:
        run: the folder.
        recipe: says whether to stop at images that can't be used.
        pool: what is wrong with the images of the pool.
        test: the same of the test images; None without such.
        differing: content hashes of images with copies of another label; see :func:`contradictions`.

    Raises:
        UnreadableImages: something is wrong, and the recipe says to stop.
    """
    both = [("pool", pool)] if test is None else [("pool", pool), ("test", test)]
    problems = [(place, problem) for place, found in both for problem in found.problems]
    write_csv(
        run.bad_images,
        ("in", "id", "why"),
        ((place, problem.id, problem.why) for place, problem in problems),
    )
    copied = copied_images(pool, test)
    write_csv(
        run.duplicates,
        ("group", "in", "id", "labels"),
        (
            (n, place, id, "differ" if content_hash in differing else "")
            for n, (content_hash, group) in enumerate(copied.items())
            for place, id in group
        ),
    )
    if problems and recipe.data.on_bad_image == "stop":
        raise UnreadableImages([problem for _, problem in problems])


def copied_images(pool: Findings, test: Findings | None) -> dict[str, list[tuple[str, str]]]:
    """Images with the same bytes by their content hash, each by place, ``pool`` or ``test``, and id."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for place, found in (("pool", pool), ("test", test)):
        for id, content_hash in found.scan.hashes.items() if found is not None else ():
            groups.setdefault(content_hash, []).append((place, id))
    return {content_hash: group for content_hash, group in groups.items() if len(group) > 1}


def contradictions(
    train: Dataset, pool: Findings, test: Dataset | None, of_test: Findings | None
) -> dict[str, list[str]]:
    """Images of which copies, with the same bytes, have another label: their ids by content hash.

    Args:
        train: the images of the pool, with their labels if they have some.
        pool: what a look at them found.
        test: images to test on, whose labels count likewise.
        of_test: what a look at those found.
    """
    oracles = {"pool": train.oracle, "test": None if test is None else test.oracle}
    found: dict[str, list[str]] = {}
    for content_hash, group in copied_images(pool, of_test).items():
        ids = {place: [id for at, id in group if at == place] for place in oracles}
        for one, other in (("pool", "test"), ("test", "pool")):
            oracle = oracles[one]
            if oracle is not None and oracle.differ(ids[one], oracles[other], ids[other]):
                found[content_hash] = [id for _, id in group]
    return found


def contradiction_note(found: Mapping[str, Sequence[str]], listed: str) -> str:
    """What is said of such images, in a line: how many, the first by name, which file lists all.

    The same for all runs on these images, so that of many it is told once.
    """
    return f"{contradicting(list(found.values()))}. {listed} of the run lists all copies, those as differ"


def contradicting(groups: Sequence[Sequence[str]]) -> str:
    """What is said of groups of copies with other labels, at least one.

    >>> contradicting([["a.jpg", "b.jpg"]])
    'an image has copies with another label: a.jpg and b.jpg; one of them is wrong, or both'
    """
    shown = "; ".join(" and ".join(ids[:SHOWN]) for ids in groups[:SHOWN])
    counted = f"{len(groups):,} images have copies with another label, such as {shown}"
    said = counted if len(groups) > 1 else f"an image has copies with another label: {shown}"
    return f"{said}; one of them is wrong, or both"
