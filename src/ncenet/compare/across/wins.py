"""Who wins how often: every arm against every other, cell by cell, over (set, cycle, seed)."""

from __future__ import annotations

import numpy as np

from ncenet.compare.across.estimate import Estimate, estimate
from ncenet.compare.across.table import Numbers
from ncenet.compare.predictions import Floats


def win_shares(of: Numbers) -> Estimate:
    """Shares of cells that an arm wins against another, a tie counting half, with intervals.

    The first cycle is left out where there is another: nobody has chosen anything by then. Cells of one run
    depend on each other, so the intervals are over the shares of runs, one for each set and seed.

    Returns:
        (A, A): row against column, in [0, 1]; .5 on the diagonal; nan where no seed has finished both.
    """
    shares = np.stack([_shares(table) for table in of.accuracy])  # (D, S, A, A)
    cells = np.array([max(1, table.shape[1] - 1) for table in of.accuracy])
    return estimate(np.moveaxis(shares, (0, 1), (-2, -1)), step=1 / cells).of_shares()


def _shares(accuracy_STA: Floats) -> Floats:
    """(S, A, A) of one set."""
    after = accuracy_STA[:, 1:] if accuracy_STA.shape[1] > 1 else accuracy_STA
    won: Floats = (np.sign(after[..., :, None] - after[..., None, :]) + 1) / 2
    shares: Floats = won.mean(1)
    return shares
