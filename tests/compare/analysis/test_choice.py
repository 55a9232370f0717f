import pytest

from ncenet.compare import Arm, Comparison
from ncenet.compare.analysis import arms_of_figures

SOFTMAX = {"model.head.name": "softmax"}


def chosen(*arms: tuple[str, dict], **figures: str) -> tuple[str, ...]:
    made = [Arm(name=name, changes={"loop.strategy": "random", **changes}) for name, changes in arms]
    return arms_of_figures(Comparison(arms=made, seeds=[0], figures=figures))


RANDOM, REJECTION = ("nce", {}), ("rejection", {"loop.strategy": "rejection"})
ENTROPY = ("entropy", {**SOFTMAX, "loop.strategy": "entropy"})
PLAIN, MARGIN = ("softmax", SOFTMAX), ("margin", {**SOFTMAX, "loop.strategy": "margin"})


@pytest.mark.parametrize(
    ("arms", "expected"),
    [
        ((PLAIN, RANDOM, REJECTION, MARGIN, ENTROPY), ("rejection", "entropy")),
        ((RANDOM, MARGIN, PLAIN), ("nce", "margin")),
        ((RANDOM, PLAIN), ("nce", "softmax")),
        ((REJECTION,), ("rejection",)),
        ((PLAIN, ENTROPY), ("entropy",)),
    ],
)
def test_one_arm_of_each_head(arms, expected):
    assert chosen(*arms) == expected


def test_a_softmax_arm_of_the_same_recipe_goes_before_one_with_entropy():
    other = ("entropy of another net", {**ENTROPY[1], "model.backbone": "mlp"})
    assert chosen(REJECTION, other, PLAIN) == ("rejection", "softmax")
    assert chosen(REJECTION, other) == ("rejection", "entropy of another net"), "better than none"


def test_named_arms_are_taken():
    arms = (RANDOM, REJECTION, PLAIN, ENTROPY)
    assert chosen(*arms, nce="nce", softmax="softmax") == ("nce", "softmax")


@pytest.mark.parametrize(
    ("figures", "why"),
    [
        ({"nce": "rejektion"}, "figures.nce: unknown arm 'rejektion': did you mean 'rejection'"),
        ({"softmax": "rejection"}, "figures.softmax: arm 'rejection' has another head"),
    ],
)
def test_a_name_that_cannot_be_is_refused(figures, why):
    with pytest.raises(ValueError, match=why):
        chosen(REJECTION, ENTROPY, **figures)
