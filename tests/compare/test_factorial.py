import pytest

from ncenet.compare import Arm, Comparison, read_comparison
from ncenet.compare.factorial import Square, effects, squares
from ncenet.compare.rivals import best_rival, best_softmax_rival
from ncenet.recipe import Recipe
from tests.compare.fake_runs import write_comparison

BASE = Recipe().with_changes(
    {"loop.initial": 4, "loop.query_size": 3, "loop.cycles": 1, "loop.strategy": "random"}
)
SOFTMAX = {"model.head.name": "softmax"}
ARMS = [
    Arm(name="S random", changes=SOFTMAX),
    Arm(name="S margin", changes={**SOFTMAX, "loop.strategy": "margin"}),
    Arm(name="S entropy", changes={**SOFTMAX, "loop.strategy": "entropy"}),
    Arm(name="N random"),
    Arm(name="N margin", changes={"loop.strategy": "margin"}),
    Arm(name="N rejection", changes={"loop.strategy": "rejection"}),
]
COMPARISON = Comparison(base=BASE, arms=ARMS, seeds=[0, 1, 2])


def written(folder, comparison=COMPARISON, **accuracy):
    curves = {name.replace("_", " "): [[a] for a in values] for name, values in accuracy.items()}
    write_comparison(folder, comparison, curves)
    return read_comparison(folder)


def test_each_nce_arm_that_selects_gets_the_softmax_arm_of_its_strategy_or_entropy(tmp_path):
    assert squares(written(tmp_path)) == [
        Square("S random", "S margin", "N random", "N margin"),
        Square("S random", "S entropy", "N random", "N rejection"),
    ]


def test_without_entropy_the_first_that_selects_stands_in(tmp_path):
    fewer = Comparison(base=BASE, arms=[ARMS[0], ARMS[1], ARMS[3], ARMS[5]], seeds=[0])
    assert squares(written(tmp_path, fewer)) == [Square("S random", "S margin", "N random", "N rejection")]


def test_the_four_arms_train_alike(tmp_path):
    longer = {"train.epochs": 400}
    arms = [
        Arm(name="S random", changes=SOFTMAX),
        Arm(name="S margin, longer", changes={**SOFTMAX, **longer, "loop.strategy": "margin"}),
        Arm(name="S entropy", changes={**SOFTMAX, "loop.strategy": "entropy"}),
        Arm(name="N random"),
        Arm(name="N margin", changes={"loop.strategy": "margin", "loop.options": {"diversify": "kmeans"}}),
        Arm(name="N margin, longer", changes={**longer, "loop.strategy": "margin"}),
    ]
    # Entropy trains as margin with the NCE head does; no random arm trains longer; to diversify is to select.
    assert squares(written(tmp_path, Comparison(base=BASE, arms=arms, seeds=[0]))) == [
        Square("S random", "S entropy", "N random", "N margin")
    ]


def test_without_a_random_arm_of_both_heads_there_is_no_square(tmp_path):
    fewer = Comparison(base=BASE, arms=[ARMS[1], ARMS[3], ARMS[4]], seeds=[0])
    assert squares(written(tmp_path, fewer)) == []


def test_effects_add_up_seed_by_seed(tmp_path):
    results = written(
        tmp_path,
        S_random=[0.50, 0.52, 0.54],
        S_margin=[0.55, 0.58, 0.58],
        N_random=[0.53, 0.55, 0.57],
        N_margin=[0.60, 0.62, 0.63],
    )
    found = effects(results, squares(results)[0])
    # By hand: head .03 .03 .03; selection .05 .06 .04; both .10 .10 .09; rest .02 .01 .02.
    assert found.head.spread.mean == pytest.approx(0.03)
    assert found.selection.spread.mean == pytest.approx(0.05)
    assert found.both.spread.mean == pytest.approx(0.29 / 3)
    assert found.interaction.spread.mean == pytest.approx(0.05 / 3)
    assert found.interaction.spread.deviation == pytest.approx(0.0057735, abs=1e-6)
    assert found.selection.low == pytest.approx(
        0.05 - 4.30265 * ((0.01**2 + 0.001**2 / 6) / 3) ** 0.5, abs=1e-5
    )
    assert effects(results, squares(results)[1]) is None, "no seed has finished entropy and rejection"


def test_only_seeds_that_all_four_have_finished_count(tmp_path):
    results = written(tmp_path, S_random=[0.5, 0.1], S_margin=[0.6], N_random=[0.5, 0.9], N_margin=[0.7, 0.9])
    assert effects(results, squares(results)[0]).head.spread.seeds == 1


def test_the_best_rival_is_the_hardest_one_over_common_seeds(tmp_path):
    results = written(
        tmp_path,
        S_random=[0.50, 0.50, 0.50],
        # Ran the easy seed alone: its mean is above entropy's, but it is 20 points behind there.
        S_margin=[0.70],
        S_entropy=[0.72, 0.62, 0.52],
        N_random=[0.75, 0.65, 0.55],
        N_margin=[0.90, 0.70, 0.60],
    )
    assert best_softmax_rival(results, "N margin").name == "S entropy"
    assert best_softmax_rival(results, "N margin").difference.spread.mean == pytest.approx(0.34 / 3)
    assert best_rival(results, "N random").name == "N margin"
    assert best_rival(results, "N rejection") is None, "nothing finished, no rival"
