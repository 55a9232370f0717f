"""``ncenet demo``: does NCE-Net beat random here? Offline, on the digits that scikit-learn brings."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ncenet.compare.comparison import Comparison
from ncenet.console import plain_console


def demo(
    *,
    out: Path = Path("ncenet-demo"),
    fresh: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Compare NCE-Net with random and softmax on small digits: offline, a minute and a half on two cores.

    Args:
        out: Folder for runs, learning curve and report; an interrupted demo goes on from there.
        fresh: Forget an earlier demo in that folder and measure again.
    """
    from ncenet.cli.trials import run_comparison

    if fresh and (out / "comparison.yaml").exists():
        shutil.rmtree(out)
    console = plain_console()
    console.print(
        "1,297 images of digits, 20 labels to start, 20 more in each of 5 queries; 5 arms, 3 paired seeds.",
        highlight=False,
    )
    run_comparison(Comparison.demo(), out, processes=None)
    console.print(
        f"\nOpen {out / 'report.html'}. On images of your own, in a folder for each class:", highlight=False
    )
    console.print("  ncenet simulate photos/ --test held-out/ --beside random --seeds 3", style="bold")
