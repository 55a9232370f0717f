"""Replay noise: the same arm and seed once more, and what is said where that comes out otherwise."""

import pytest

from ncenet.compare import Arm, Comparison, read_comparison, run
from ncenet.compare.replay import replay_noise
from ncenet.compare.trials import planned
from ncenet.recipe import Recipe
from ncenet.report.sections.comparison import summary
from tests.compare.fake_runs import write_comparison, write_run

BASE = Recipe().with_changes({"loop.initial": 4, "loop.query_size": 2, "loop.cycles": 2})
ARMS = [Arm(name="random", changes={"loop.strategy": "random"}), Arm(name="a")]
FIRST = {"random": [[0.50, 0.60], [0.50, 0.62]], "a": [[0.50, 0.66], [0.50, 0.70]]}


def comparison(replays=1):
    return Comparison(base=BASE, arms=ARMS, seeds=[5, 7], replays=replays)


def written(folder, again, *, replays=1, **options):
    """Both seeds of both arms, and of the first the curves ``again`` by arm."""
    compared = comparison(replays)
    write_comparison(folder, compared, FIRST)
    for arm, curve in again.items():
        path = folder / compared.folder(arm, 5, again=True)
        write_run(path, compared.recipe(arm, 5), curve, **options)
    return read_comparison(folder)


def test_the_first_seeds_run_once_more_after_all_others(tmp_path):
    trials = planned(comparison(), tmp_path)
    assert list(trials) == [
        *("random, seed 5", "a, seed 5", "random, seed 7", "a, seed 7"),
        *("random, seed 5 again", "a, seed 5 again"),
    ]
    again = trials["a, seed 5 again"]
    assert again.recipe == trials["a, seed 5"].recipe and again.folder == tmp_path / "a" / "seed-5-again"
    assert "a, seed 7 again" in planned(comparison(2), tmp_path)
    assert len(planned(comparison(), tmp_path, arms=["a"], seeds=1)) == 2


def test_noise_is_the_root_mean_square_of_what_replays_are_apart(tmp_path):
    found = replay_noise(written(tmp_path, {"random": [0.50, 0.66], "a": [0.50, 0.74]}))
    assert found.pairs == 2
    assert found.apart == pytest.approx(((0.03**2 + 0.04**2) / 2) ** 0.5)
    assert found.of_mean(4) == pytest.approx(found.apart / 2)


def test_it_stands_beside_the_differences(tmp_path):
    section = summary(written(tmp_path, {"random": [0.50, 0.66], "a": [0.50, 0.74]}))
    table, note = section.blocks[0], section.blocks[-1]
    at = table.columns.index("Replay noise")
    assert [row[at] for row in table.rows] == ["\N{EN DASH}", "± 2.50"], "3.54 points over two seeds"
    assert "two runs of one arm and one seed are 3.54 points apart" in note.text and "2 pairs" in note.text


def test_where_a_run_repeats_to_the_bit_nothing_is_said(tmp_path):
    results = written(tmp_path, {"random": [0.50, 0.60], "a": [0.50, 0.66]})
    assert len(results.replays) == 2 and replay_noise(results) is None
    assert "Replay noise" not in summary(results).blocks[0].columns


def test_a_replay_that_has_not_come_to_its_end_is_left_out(tmp_path):
    results = written(tmp_path, {"random": [0.50], "a": [0.50, 0.74]})
    assert replay_noise(results).pairs == 1
    assert replay_noise(written(tmp_path / "none", {})) is None


def test_a_loss_that_differs_counts_as_noise_even_where_accuracies_agree(tmp_path):
    results = written(tmp_path, {"a": [0.50, 0.66]})
    file = tmp_path / "a/seed-5-again/cycles/001/fit.json"
    file.write_text(file.read_text().replace('"loss": 0.5', '"loss": 0.5000001'))
    assert replay_noise(results) is None and replay_noise(read_comparison(tmp_path)).apart == 0


def test_a_true_comparison_replays_to_the_bit_on_one_machine(tmp_path):
    quick = {"train.epochs": 1, "train.min_steps": 5, "model.backbone": "mlp", "loop.initial": 20}
    one = Comparison(base=BASE.with_changes(quick), arms=ARMS[:1], seeds=[0], replays=1)
    results = run(one, tmp_path, processes=1)
    assert set(results.replays) == {("random", 0)} and replay_noise(results) is None
    assert results.replays["random", 0].tested == results.replays["random", 0].cycles
