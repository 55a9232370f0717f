"""What is said of arms across data sets: verdicts, and the tables that the sections show."""

from __future__ import annotations

from math import isnan
from typing import Any

import numpy as np

from ncenet.compare.across.estimate import Estimate, estimate
from ncenet.compare.across.ranks import Ranks, ranks
from ncenet.compare.across.table import Numbers, numbers
from ncenet.compare.across.wins import win_shares
from ncenet.compare.predictions import Floats
from ncenet.compare.records import Table
from ncenet.compare.statistics import Verdict, verdict_of
from ncenet.compare.suite import SuiteResults
from ncenet.report.words import NOTHING, ends, percent, points


def against(values: Floats, of: Numbers, arm: str) -> Floats:
    """Paired differences (..., A, D, S) of numbers (..., D, S, A) to those of one arm."""
    differences: Floats = np.moveaxis(values - values[..., [of.arms.index(arm)]], -1, -3)
    return differences


def to_baseline(of: Numbers, baseline: str) -> Estimate:
    """Differences (A,) of the means over cycles to the baseline."""
    return estimate(against(of.mean, of, baseline), step=of.step_of_mean)


def differences_by_set(results: SuiteResults) -> Table:
    """For each arm the difference to the baseline on each set, and over all with both intervals."""
    baseline, of = results.comparison.baseline_arm, numbers(results)
    if of is None:
        return Table(("Arm",), ())
    found = to_baseline(of, baseline)
    with np.errstate(invalid="ignore"):
        of_sets = estimate(against(of.mean, of, baseline)[..., None, :]).mean  # (A, D)
    level = estimate(np.moveaxis(of.mean, -1, 0))
    rows = []
    for a, arm in enumerate(of.arms):
        _, low, high, sets_low, sets_high = found.at(a)
        cells = [cell(value, points) for value in of_sets[a]]
        if arm == baseline:
            cells, over = [NOTHING] * len(of.sets), [NOTHING] * 3
        else:
            over = [over_sets(found, a, of, points), ends(low, high), ends(sets_low, sets_high)]
        rows.append((arm, over_sets(level, a, of, percent), *cells, *over))
    columns = ("Mean over cycles, %", *of.sets, "all sets", "95 %, these sets", "95 %, other sets")
    return Table(("Arm", *columns), tuple(rows))


def suite_verdicts(results: SuiteResults) -> tuple[tuple[Verdict, str], ...]:
    """For each arm but the baseline and the oracle a sentence, and its verdict on these sets."""
    baseline, of = results.comparison.baseline_arm, numbers(results)
    if of is None:
        return ()
    found = to_baseline(of, baseline)
    said: list[tuple[Verdict, str]] = []
    for a, arm in enumerate(of.arms):
        if arm in (baseline, of.oracle):
            continue
        mean, low, high, sets_low, sets_high = found.at(a)
        sets, runs = int(found.sets[a]), int(found.seeds[a])
        if not runs:
            said.append(("unclear", f"{arm} against {baseline}: no seed has finished both yet."))
            continue
        verdict = verdict_of(low, high)
        how = {
            "alike": f"and {baseline} are alike, within half a point,",
            "unclear": f"against {baseline} is unclear",
        }.get(verdict, f"is {verdict} than {baseline}")
        where = f"on {sets} sets" if sets > 1 else "on one set"
        numbers_ = f"{points(mean)} points, 95 % interval {ends(low, high)} over {runs} runs on these sets"
        if isnan(low):
            seeds = np.isfinite(against(of.mean, of, baseline)[a]).sum(-1)
            few = [name for name, n in zip(of.sets, seeds, strict=True) if n == 1]
            which = "a set" if len(few) == sets else f"on {', '.join(few)}"
            numbers_ = f"{points(mean)} points; one seed {which} shows nothing: run at least two more"
        other = ""
        if verdict in ("better", "worse") and not isnan(sets_low):
            holds = sets_low > 0 if verdict == "better" else sets_high < 0
            other = (
                f" Other sets of the kind: {ends(sets_low, sets_high)}"
                f"{', so there too' if holds else ', which these few cannot show'}."
            )
        said.append((verdict, f"{arm} {how} {where}: {numbers_}.{other}"))
    return tuple(said)


def set_ranks(of: Numbers) -> tuple[Ranks | None, Ranks | None]:
    """Ranks of arms over sets, by the mean over seeds that a set has of all arms, and over (set, seed).

    None and None for fewer than two arms, as while the oracle alone is finished.
    """
    if len(of.arms) < 2:
        return None, None
    mean_DSA = of.mean
    whole = np.isfinite(mean_DSA).all(-1, keepdims=True)
    kept = np.where(whole, mean_DSA, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        of_sets = kept.sum(1) / whole.sum(1)
    return ranks(of_sets), ranks(mean_DSA.reshape(-1, len(of.arms)))


def suite_record(results: SuiteResults) -> dict[str, Any]:
    """The same as what JSON can hold."""
    of, comparison = numbers(results), results.comparison
    record: dict[str, Any] = {
        "kind": "suite",
        "metric": results.metric,
        "baseline": comparison.baseline_arm,
        "seeds": list(comparison.seeds),
        "arms": [arm.name for arm in comparison.arms],
    }
    if of is None:
        return record
    usable = of.ranked()
    over_sets, over_runs = set_ranks(usable)
    return record | {
        "differences": _estimates(to_baseline(of, comparison.baseline_arm)),
        "wins": _estimates(win_shares(of)),
        "ranks": {
            "arms": list(usable.arms),
            "over_sets": _ranks(over_sets),
            "over_sets_and_seeds": _ranks(over_runs),
        },
    }


def cell(value: float, shown: Any) -> str:
    """A number as it is shown, or that there is none."""
    return NOTHING if isnan(value) else str(shown(value))


def over_sets(found: Estimate, at: int | tuple[int, int], of: Numbers, shown: Any) -> str:
    """A mean over sets, and over how many where it is not over all."""
    mean, some = cell(float(found.mean[at]), shown), some_sets(found, at, of)
    return f"{mean} ({some})" if some else mean


def some_sets(found: Estimate, at: int | tuple[int, int], of: Numbers) -> str:
    """Over how many sets a mean is, where it is over some of them; nothing where it is over all or none."""
    sets = int(found.sets[at])
    return f"{sets} of {len(of.sets)} sets" if 0 < sets < len(of.sets) else ""


def _ranks(found: Ranks | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "mean": found.mean.tolist(),
        "blocks": found.blocks,
        "p": found.p,
        "critical_difference": found.critical,
    }


def _estimates(found: Estimate) -> dict[str, Any]:
    def plain(values: Any) -> Any:
        if isinstance(values, list):
            return [plain(value) for value in values]
        return None if isnan(values) else values

    return {name: plain(getattr(found, name).tolist()) for name in found.__dataclass_fields__}
