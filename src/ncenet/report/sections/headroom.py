"""How much choosing could gain at most, and how much of it each arm gains."""

from __future__ import annotations

from math import isnan

from ncenet.compare.across.headroom import DESERVES, headroom
from ncenet.compare.across.table import numbers
from ncenet.compare.records import Results, Table
from ncenet.compare.suite import SuiteResults
from ncenet.counts import count_of
from ncenet.report.across import cell
from ncenet.report.blocks import Note, ReportSection
from ncenet.report.sections import comparison_sections, suite_sections
from ncenet.report.words import ends, percent, percents, points


@suite_sections.register("across-headroom", order=8)
@comparison_sections.register("headroom", order=10)
def headroom_of(results: Results | SuiteResults) -> ReportSection | None:
    """Shares of the oracle's headroom."""
    of = numbers(results)
    found = None if of is None else headroom(of)
    if found is None:
        return None
    called = "the oracle" if found.deserved else f"{found.oracle}, which is no oracle here"
    rows = tuple(
        (arm, cell(float(share), lambda x: percent(x, 0)), percents(float(low), float(high)))
        for arm, (share, low, high) in zip(found.arms, found.shares, strict=True)
    )
    several = isinstance(results, SuiteResults)
    gain, low, high = found.gain
    interval = "" if isnan(low) else f" ({ends(low, high)})"
    said = (
        f"{found.oracle} is greedy on the accuracy on the test images, which no strategy can read. It gains "
        f"{points(gain)} points{interval} over {found.random}: that is the headroom, and the table says "
        "which share of it each arm gains, in the mean over cycles, with Fieller's 95 % interval over seeds"
        f"{', on these sets' * several}; an arm below {found.random} has a negative one. In "
        f"{percent(found.above)} % of {count_of(found.cells, 'cell')} ({'set, ' * several}cycle, seed), the "
        "first cycle left out, no arm is above it."
    )
    if not found.deserved:
        said += (
            f" That is less than {percent(DESERVES, 0)} %: there is more to gain than it shows, and the "
            "shares are of what it gains, not of what could be gained."
        )
    table = Table(("Arm", "Share, %", "95 % interval"), rows)
    return ReportSection(f"What there is to gain: shares of {called}", (table, Note(said)))
