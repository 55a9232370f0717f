import numpy as np
import pytest
from scipy import stats

from ncenet.compare import Arm
from ncenet.compare.across.headroom import headroom, share_of_headroom
from ncenet.compare.across.table import numbers
from ncenet.compare.statistics import difference_to_baseline
from ncenet.compare.suite import read_compared
from ncenet.recipe import Recipe
from ncenet.report import results_record
from ncenet.report.across import set_ranks
from ncenet.report.sections import sections_of
from ncenet.report.words import NOTHING
from tests.compare.fake_suite import suite, write_suite

ARMS = [
    Arm(name="random", changes={"loop.strategy": "random"}),
    Arm(name="a"),
    Arm(name="line", changes={"loop.strategy": "oracle"}),
]
BASE = Recipe().with_changes(
    {"model.features": "lite0", "loop.initial": 4, "loop.query_size": 2, "loop.cycles": 3}
)


def written(folder, a=0.06, line=0.10, noise=0.01, seeds=(0, 1, 2)):
    comparison = suite(arms=ARMS, seeds=seeds).model_copy(update={"base": BASE})
    rng = np.random.default_rng(0)

    def curves(gain):
        return [[0.5, *(0.6 + gain + noise * rng.standard_normal(2))] for _ in seeds]

    accuracy = {name: {"random": curves(0), "a": curves(a), "line": curves(line)} for name in ("one", "two")}
    return write_suite(folder, comparison, accuracy)


def test_the_share_is_that_of_the_means_and_its_interval_holds_it(tmp_path):
    of = numbers(written(tmp_path))
    found = headroom(of)
    gains = {arm: of.mean[..., n].mean() - of.mean[..., 0].mean() for n, arm in enumerate(of.arms)}
    share, low, high = found.shares[0]
    assert (found.oracle, found.random, found.arms) == ("line", "random", ("a",))
    assert share == pytest.approx(gains["a"] / gains["line"]) and low < share < high
    assert found.gain[0] == pytest.approx(gains["line"])


def test_equal_gains_of_the_oracle_leave_what_rounding_hides(tmp_path):
    gain, low, high = headroom(numbers(written(tmp_path, noise=0.0))).gain
    # t(.975, 4) = 2.7764 times the step .001 / 3 over sqrt(6) for three seeds of two sets each.
    assert (high - gain, gain - low) == pytest.approx([2.776445 * 0.001 / 3 / 36**0.5] * 2, rel=1e-4)


def test_intervals_of_shares_cover_as_often_as_they_say():
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(400):
        random, a, line = (mean + 0.01 * rng.standard_normal((3, 4)) for mean in (0.0, 0.03, 0.05))
        _, low, high = share_of_headroom(a - random, line - random, np.zeros(3))
        covered.append(low <= 0.6 <= high)
    assert 0.92 <= np.mean(covered) <= 0.98


def test_an_interval_is_fiellers_however_narrow():
    """One set: g and w of five seeds, t(.975, 4), and the roots by hand."""
    whole = np.array([0.2000, 0.2002, 0.1998, 0.2001, 0.1999])
    gain = 0.6024 * whole + 1e-5 * np.array([1, -1, 1, -1, 0])
    share, low, high = share_of_headroom(gain[None], whole[None], np.zeros(1))
    error = np.cov(gain, whole) / 5 * stats.t.ppf(0.975, 4) ** 2
    a, b = whole.mean() ** 2 - error[1, 1], gain.mean() * whole.mean() - error[0, 1]
    root = np.sqrt(b**2 - a * (gain.mean() ** 2 - error[0, 0]))
    assert (low, high) == pytest.approx(((b - root) / a, (b + root) / a))
    assert low < share < high and high - low < 0.001
    exact = share_of_headroom(0.5 * whole[None], whole[None], np.zeros(1))
    assert exact == pytest.approx([0.5] * 3)


def test_without_headroom_there_is_a_share_and_no_interval(tmp_path):
    found = headroom(numbers(written(tmp_path, a=0.0, line=0.001, noise=0.02)))
    assert np.isnan(found.shares[0][1:]).all()


def test_cells_are_counted_without_the_first_cycle(tmp_path):
    found = headroom(numbers(written(tmp_path, noise=0.0)))
    assert (found.above, found.cells, found.deserved) == (1.0, 2 * 3 * 2, True)


def test_an_oracle_that_runs_alone_is_above_nobody(tmp_path):
    """Seeds that no other arm has finished yet make nobody an oracle."""
    comparison = suite(sets=["one"], arms=ARMS, seeds=range(6)).model_copy(update={"base": BASE})
    alone = [[0.5, 0.9, 0.9]] * 5
    accuracy = {"random": [[0.5, 0.5, 0.6]], "a": [[0.5, 0.8, 0.7]], "line": [[0.5, 0.7, 0.8], *alone]}
    found = headroom(numbers(write_suite(tmp_path, comparison, {"one": accuracy})))
    assert (found.above, found.cells, found.deserved) == (0.5, 2, False)


def test_a_share_below_zero_has_the_sign_of_the_interval(tmp_path):
    ((arm, share, around),) = section(written(tmp_path, a=-0.05, noise=0.0)).blocks[0].rows
    assert (arm, share, around) == ("a", "\N{MINUS SIGN}50", "\N{MINUS SIGN}50 to \N{MINUS SIGN}50")


def section(results):
    return next(s for s in sections_of(results) if s.title.startswith("What there is to gain"))


def test_one_that_is_beaten_is_not_called_an_oracle(tmp_path):
    beaten = section(written(tmp_path / "x", a=0.12, noise=0.0))
    assert beaten.title.endswith("shares of line, which is no oracle here")
    assert "In 0.0 % of 12 cells" in beaten.blocks[1].text and "less than 95 %" in beaten.blocks[1].text
    good = section(written(tmp_path / "y", noise=0.0))
    assert good.title.endswith("shares of the oracle") and "less than" not in good.blocks[1].text
    assert good.blocks[0].rows == (("a", "60", "60 to 60"),), "rounding to test images is all the noise"


def test_before_anybody_has_chosen_there_is_no_headroom(tmp_path):
    base = BASE.with_changes({"loop.cycles": 1})
    comparison = suite(arms=ARMS).model_copy(update={"base": base})
    first = {arm.name: [[0.5]] * 2 for arm in ARMS}
    results = write_suite(tmp_path, comparison, {"one": first})
    assert headroom(numbers(results)) is None, "no cells to count"
    assert "What there is to gain" not in str([s.title for s in sections_of(results)])


def test_where_the_oracle_gains_nothing_nobody_has_a_share_of_it(tmp_path):
    shown = section(written(tmp_path, line=0.0, noise=0.0))
    assert shown.blocks[0].rows == (("a", NOTHING, NOTHING),), "and no division by zero"


def test_one_set_has_the_section_too(tmp_path):
    across = section(written(tmp_path))
    of_one = section(read_compared(tmp_path / "one"))
    assert of_one.blocks[0].rows[0][0] == "a"
    assert (
        "12 cells (set, cycle, seed)" in across.blocks[1].text and ", on these sets;" in across.blocks[1].text
    )
    assert "6 cells (cycle, seed)" in of_one.blocks[1].text and "set" not in of_one.blocks[1].text


def test_the_oracle_has_no_rank_no_verdict_and_is_no_rival(tmp_path):
    results = written(tmp_path)
    shown = {s.title: s for s in sections_of(results)}
    assert {row[0] for row in shown["Mean ranks"].blocks[1].rows} == {"random", "a"}
    assert len(shown[""].blocks[0].sentences) == 1
    of_one = {s.title: s for s in sections_of(read_compared(tmp_path / "one"))}
    assert "line" not in str([row[1:] for row in of_one["Against the best rival"].blocks[0].rows])
    assert len(of_one[""].blocks[0].sentences) == 1


@pytest.mark.parametrize("usable", [[], ["random"]])
def test_an_oracle_that_is_finished_first_has_a_report_without_ranks(tmp_path, usable):
    comparison = suite(arms=ARMS, seeds=(0,)).model_copy(update={"base": BASE})
    accuracy = {arm: [[0.5, 0.6, 0.7]] for arm in ("line", *usable)}
    results = write_suite(tmp_path, comparison, {"one": accuracy})
    assert set_ranks(numbers(results).ranked()) == (None, None), "nobody to rank against"
    assert "Mean ranks" not in {s.title for s in sections_of(results)}
    assert results_record(tmp_path)["ranks"]["over_sets"] is None


def test_the_oracle_is_judged_nowhere_and_judges_nobody(tmp_path):
    written(tmp_path, line=0.2)
    results = read_compared(tmp_path / "one")
    shown = {s.title: s for s in sections_of(results)}
    summary = {row[0]: row[-1] for row in shown["Summary"].blocks[0].rows}
    assert summary["line"] == "oracle" and summary["a"].startswith("better")
    gains = shown["Head and selection apart"].blocks[0].rows
    assert [row[0] for row in gains] == ["a"]
    assert [row[0] for row in shown["Against the best rival"].blocks[0].rows] == ["random", "a"]
    cycles = shown["Cycle by cycle"]
    assert [row[0] for row in cycles.blocks[0].rows] == ["a"]
    assert "Holm for the 2 tests" in cycles.blocks[1].text, (
        "the first cycle is equal, and a's others are the family"
    )
    record = results_record(tmp_path / "one")["arms"]
    assert record[2]["difference"]["verdict"] is None and record[1]["difference"]["verdict"] == "better"


def test_the_oracle_does_not_help_to_plan(tmp_path):
    written(tmp_path)
    found = difference_to_baseline(read_compared(tmp_path / "one"), "a")
    assert (found.pooled, found.freedom) == (pytest.approx(found.spread.deviation), found.spread.seeds - 1)


def test_without_an_oracle_there_is_no_section(tmp_path):
    from tests.compare.fake_suite import written as plain

    assert headroom(numbers(plain(tmp_path))) is None
