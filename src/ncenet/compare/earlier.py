"""What a folder holds of an earlier comparison: a new one may go on with it, and not write over another."""

from __future__ import annotations

from pathlib import Path

from ncenet.compare.comparison import Comparison
from ncenet.errors import RecipeError, UsageError
from ncenet.files import COMPARISON_FILE
from ncenet.run.folder import RunFolder


def check_earlier(comparison: Comparison, folder: Path) -> tuple[str, ...]:
    """Make sure that a folder holds no comparison, or one of which this one has trials too.

    Args:
        comparison: that is to run there.
        folder: of the whole.

    Returns:
        A remark for each folder where it leaves out trials that have begun, as those of an arm that was taken
        out of its file.

    Raises:
        UsageError: the folder, or that of a data set, is one of a comparison that shares no trial with this.
    """
    now, told, found = _folders(comparison, folder).keys(), set[Path](), []
    for place in dict.fromkeys((folder, *(path for _, path in comparison.parts(folder).values()))):
        try:
            earlier = Comparison.load(place / COMPARISON_FILE)
        except RecipeError:  # none, or one that is damaged, which is written anew
            continue
        begun = {at: it for at, it in _folders(earlier, place).items() if RunFolder(at).recipe.exists()}
        left_out = {at: it for at, it in begun.items() if at not in now}
        if left_out and len(left_out) == len(begun):
            arms = ", ".join(arm.name for arm in earlier.arms)
            raise UsageError(
                f"{place}: holds another comparison ({arms}), and this one has no trial of it: name another "
                "folder"
            )
        if news := {at: it for at, it in left_out.items() if at not in told}:
            told |= news.keys()
            seeds: dict[str, list[str]] = {}
            for arm, seed in news.values():
                seeds.setdefault(arm, []).append(seed)
            names = "; ".join(f"{arm}, seed {', '.join(of_arm)}" for arm, of_arm in seeds.items())
            found.append(
                f"{place}: the report leaves out what was begun there and is no part of the comparison any "
                f"more, and nothing is deleted: {names}"
            )
    return tuple(found)


def _folders(comparison: Comparison, folder: Path) -> dict[Path, tuple[str, str]]:
    """The run folder of each trial, with its arm, after the name of its data set, and its seed."""
    return {
        path / part.folder(arm, seed, again=again): (f"{name}: {arm}" if name else arm, f"{seed}{said}")
        for name, (part, path) in comparison.parts(folder).items()
        for again, said, trials in ((False, "", part.trials), (True, " again", part.replayed))
        for arm, seed in trials
    }
