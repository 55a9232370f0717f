"""Whether the held-out images are still those that the models of a run were tested on."""

from __future__ import annotations

from collections.abc import Mapping

from ncenet.counts import count_of
from ncenet.errors import DamagedRecord, DataError
from ncenet.run.folder import RunFolder
from ncenet.run.record_files import read_predicted, read_test
from ncenet.run.records import BoxTest


def check_same_test(files: RunFolder, labels: Mapping[str, str | None]) -> None:
    """Make sure that the next model of a run is tested on the images of those before, by the same labels.

    Args:
        files: of the run, begun or not.
        labels: class of each held-out image by id; None where boxes are tested, which are merely counted.

    Raises:
        DataError: it isn't; accuracies on other images can't stand beside each other.
    """
    if said := _changed(files, labels):
        raise DataError(
            f"{files.path}: its models were tested on other held-out images ({said}), and numbers on others "
            "can't stand beside theirs: put the images back as they were, or choose another folder"
        )


def _changed(files: RunFolder, labels: Mapping[str, str | None]) -> str:
    """What is different since the last test that can be read; empty if nothing is."""
    for cycle in reversed(files.cycles()):
        try:
            test, rows = read_test(cycle), read_predicted(cycle)
        except DamagedRecord:
            continue
        if test is None:
            continue
        if isinstance(test, BoxTest):
            return "" if test.images == len(labels) else f"{test.images:,} then, {len(labels):,} now"
        if rows is None:  # of an early version
            return ""
        before = {row.id: row.label for row in rows if row.label is not None}
        changes = {
            "gone": [id for id in before if id not in labels],
            "new": [id for id in labels if id not in before],
            "with another label": [id for id in before if id in labels and labels[id] != before[id]],
        }
        counted = {what: count_of(len(ids), "image") for what, ids in changes.items() if ids}
        return "; ".join(f"{count} {what}, such as {changes[what][0]}" for what, count in counted.items())
    return ""
