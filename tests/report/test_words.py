import pytest

from ncenet.compare import Arm, Comparison
from ncenet.compare.read import read_run
from ncenet.compare.statistics import Difference, Spread, paired_difference
from ncenet.recipe import Recipe
from ncenet.report import protocol, words
from tests.compare.fake_runs import write_run


def test_a_verdict_says_the_direction_in_words():
    worse = Difference(Spread(-0.02, 0.005, 5), -0.03, -0.01)
    assert words.verdict("a", "b", worse) == (
        "a is worse than b: −2.00 points, 95 % interval −3.00 to −1.00, 5 seeds."  # noqa: RUF001
    )


def test_unclear_says_what_would_make_it_clear():
    difference = paired_difference([0.61, 0.62, 0.63], [0.60, 0.60, 0.60])
    said = words.verdict("a", "b", difference)
    assert said.startswith("a against b is unclear: +2.00 points, 95 % interval −0.48 to +4.48, 3 seeds.")  # noqa: RUF001
    assert said.endswith("How many more seeds would show it, 3 seeds of so few arms do not tell.")
    many = paired_difference([0.60 + 0.01 * (n % 5) for n in range(10)], [0.613] * 10)
    assert "more seeds would show a difference of 0.7 points." in words.verdict("a", "b", many)


def test_one_more_seed_is_singular():
    difference = Difference(Spread(0.01, 0.0105, 10), -0.0001, 0.02)
    assert difference.more_seeds == 1
    assert "about 1 more seed would" in words.outlook_words(difference)


def test_arms_that_are_the_same_are_said_to_be():
    said = words.verdict("a", "b", paired_difference([0.5, 0.6], [0.5, 0.6]))
    assert said.startswith("a and b are alike, within half a point: +0.00 points")


def test_one_seed_proves_nothing():
    said = words.verdict("a", "b", paired_difference([0.9], [0.8]))
    assert said == "a against b is unclear: +10.00 points; one seed shows nothing: run at least two more."


BASE = Recipe()
SIZES = {"loop.initial": 9, "loop.query_size": 5}


@pytest.mark.parametrize(
    ("changes", "subject", "fact"),
    [
        ({}, "Weights", "reset before every cycle (cold)"),
        ({"train.warm": True}, "Weights", "carried over between cycles (warm)"),
        ({}, "Pool", "scored whole"),
        ({"loop.pool_subset": 10000}, "Pool", "a fresh random subset of 10,000 is scored in each cycle"),
        ({}, "Scoring", "under the test transform, without augmentation"),
        ({}, "Tested network", "the one of the last epoch; no checkpoint is chosen on the test images"),
        ({"loop.seed": 5}, "Seeds", "5 (a single run)"),
        ({}, "Network", "small, nce head"),
        ({"model.features": "gist"}, "Network", "features gist, nce head"),
        (
            {"model.features": "lite0", "model.weights": "own.pth", "model.backbone": "mlp"},
            "Network",
            "features lite0 with the weights own.pth, mlp, nce head",
        ),
        (
            {"task": "detection", "model.features": "lite0"},
            "Network",
            "small, nce head; images are chosen by features lite0",
        ),
        ({}, "Training", "40 epochs, at least 400 steps, of 64 images"),
        (
            {"train.epochs": 1, "train.min_steps": 1, "train.batch_size": 1},
            "Training",
            "1 epoch, at least 1 step, of 1 image",
        ),
        ({"loop.initial": 1}, "Initial set", "1 random image"),
        ({"loop.cycles": 1, **SIZES}, "Labels", "9 in the first cycle"),
        ({"loop.cycles": 2, **SIZES}, "Labels", "9 in the first cycle, 5 more in the second"),
        (
            {"loop.cycles": 3, **SIZES},
            "Labels",
            "9 in the first cycle, 5 more in each of the 2 that follow",
        ),
        (
            {"model.features": "gist"},
            "Training",
            "the head alone, of all labels at once, until it settles (L-BFGS)",
        ),
        (
            {"model.features": "gist"},
            "Tested network",
            "the one of the end; no checkpoint is chosen on the test images",
        ),
        (
            {"model.features": "gist", "model.dropout": 0.2},
            "Training",
            "40 epochs, at least 400 steps, of 64 images",
        ),
        (  # whose module learns beside the head
            {"model.features": "gist", "loop.strategy": "ll4al"},
            "Training",
            "40 epochs, at least 400 steps, of 64 images",
        ),
    ],
)
def test_what_must_be_stated_follows_the_recipe(changes, subject, fact):
    assert protocol.protocol_of_run(BASE.with_changes(changes))[subject] == fact


def test_facts_in_which_arms_differ_name_the_arms():
    arms = [Arm(name="a"), Arm(name="b", changes={"train.warm": True}), Arm(name="c")]
    facts = protocol.protocol_of_comparison(Comparison(base=BASE, arms=arms, seeds=[0, 1]))
    assert (
        facts["Weights"] == "reset before every cycle (cold) (a, c); carried over between cycles (warm) (b)"
    )
    assert facts["Pool"] == "scored whole"
    assert facts["Seeds"] == "0, 1 (2 runs of each arm)"
    assert facts["Initial set"] == "100 random images, the same for all arms of a seed"


def test_arms_that_run_with_fewer_seeds_are_named():
    arms = [Arm(name="a"), Arm(name="b", seeds=1), Arm(name="c", seeds=3)]
    facts = protocol.protocol_of_comparison(Comparison(base=BASE, arms=arms, seeds=[4, 6, 8]))
    assert facts["Seeds"] == "4, 6, 8 (3 runs of each arm, but 1 of b)"


def test_arms_may_begin_with_other_images_and_that_is_stated():
    arms = [Arm(name="a"), Arm(name="b", changes={"loop.first": "typical"}), Arm(name="c")]
    facts = protocol.protocol_of_comparison(Comparison(base=BASE, arms=arms, seeds=[0]))
    assert facts["Initial set"] == (
        "100 random images (a, c); 100 typical (TypiClust) images (b), the same for all these arms of a seed"
    )


def test_a_curve_of_one_point_is_not_held_against_itself(tmp_path):
    recipe = Recipe().with_changes({"loop.initial": 4, "loop.query_size": 3})
    write_run(tmp_path / "one", recipe, [0.5])
    write_run(tmp_path / "two", recipe, [0.5, 0.625])
    one, two = (words.headline(read_run(tmp_path / name)) for name in ("one", "two"))
    assert one.startswith("With 4 labels the network is right on 50.0 % of the held-out images. One run")
    assert "on 62.5 % of the held-out images; with the first 4 it was on 50.0 %." in two
