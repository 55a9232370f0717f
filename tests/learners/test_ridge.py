"""The pull of softmax on stored features: the rule, unless labels left out speak clearly for more."""

from __future__ import annotations

import pytest
import torch

from ncenet.learners import ridge
from ncenet.learners.head_fit import fit_head
from ncenet.learners.ridge import times_the_rule
from ncenet.nn.heads import build_head
from ncenet.recipe import HeadRecipe

D, C = 24, 4


def labels(*counts):
    return torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))


def vectors(targets, noise, seed=0):
    """Of length 1, around a direction for each class; with much noise they say little of it."""
    generator = torch.Generator().manual_seed(seed)
    centers = torch.randn(C, D, generator=torch.Generator().manual_seed(99))
    drawn = centers[targets] + noise * torch.randn(len(targets), D, generator=generator)
    return torch.nn.functional.normalize(drawn, dim=1)


def fitted(targets, noise):
    head = build_head(HeadRecipe(name="softmax"), D, C, stored=True)
    fit_head(head, vectors(targets, noise), targets)
    rule = build_head(HeadRecipe(name="softmax"), D, C, stored=True)
    rule.meet(targets)
    return head, head.pull / rule.pull


@torch.no_grad()
def likelihood(head, noise, targets):
    logits = head(vectors(targets, noise, seed=1))
    return -float(torch.nn.functional.cross_entropy(logits, targets))


def test_most_labels_of_one_class_and_features_that_say_little_are_pulled_more_strongly(monkeypatch):
    targets, others = labels(30, 4, 3, 3), labels(300, 40, 30, 30)
    head, times = fitted(targets, noise=20.0)
    monkeypatch.setattr(ridge, "UP_TO", 0)
    by_rule, once = fitted(targets, noise=20.0)
    assert times >= 10 and once == pytest.approx(1)
    assert likelihood(head, 20.0, others) > likelihood(by_rule, 20.0, others) + 0.2


def test_features_that_tell_the_classes_apart_keep_the_rule():
    head, times = fitted(labels(30, 4, 3, 3), noise=0.5)
    assert times == pytest.approx(1) and likelihood(head, 0.5, labels(30, 10, 10, 10)) > -0.1


@pytest.mark.parametrize("counts", [(10, 10, 10, 10), (19, 7, 7, 7), (150, 40, 40, 40), (40, 0, 0, 0)])
def test_nothing_is_tried_without_a_majority_of_many_labels_or_with_one_class(counts):
    targets = labels(*counts)
    assert times_the_rule(vectors(targets, 20.0), targets, lambda *_: pytest.fail("a fit")) == 1


def saying(likelihoods):
    """Fits that say of every label left out how likely it is, by the pull."""

    def fit(factor, vectors, targets):
        def logits(apart):
            return torch.tensor([likelihoods[factor], 0.0]).log_softmax(0).expand(len(apart), 2)

        return logits

    return fit


@pytest.mark.parametrize(
    ("last", "expected"), [({10: 1.0, 100: 1.1, 1000: 1.05}, 1), ({10: 3.0, 100: 5.0, 1000: 4.0}, 100)]
)
def test_what_is_clearly_likelier_is_taken_and_the_likeliest_of_several(last, expected):
    targets = labels(18, 1)  # whose second class is never judged
    assert times_the_rule(torch.zeros(19, D), targets, saying({1: 1.0} | last)) == expected


def test_a_label_that_is_the_only_one_of_its_class_is_not_judged():
    seen = []

    def fit(factor, vectors, targets):
        return lambda apart: (seen.append(len(apart)), torch.zeros(len(apart), 3))[1]

    times_the_rule(torch.zeros(8, D), labels(6, 1, 1), fit)
    assert sum(seen) == 6 * 4, "six labels by the rule and three stronger pulls"


def test_a_pull_that_somebody_says_stays():
    head = build_head(HeadRecipe(name="softmax", pull=0.02), D, C, stored=True)
    targets = labels(30, 4, 3, 3)
    fit_head(head, vectors(targets, 20.0), targets)
    assert head.pull == 0.02
