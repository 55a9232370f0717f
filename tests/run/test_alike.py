"""Groups: sure enough, never too small, of the class that has the fewest labels, the surest first."""

from __future__ import annotations

import numpy as np

from ncenet.ledger.again import Group
from ncenet.run.alike import LARGEST, LEAST, alike_to, kept_ratio

NAMES = ("x", "y")


def said(*shares, of=0):
    rows = np.array([[share, 1 - share] for share in shares])
    return rows if of == 0 else rows[:, ::-1]


def ids(shares):
    return [f"{n:03}" for n in range(len(shares))]


def test_in_a_group_are_images_that_are_sure_enough_the_surest_first():
    shares = said(*np.linspace(0.5, 0.99, 50))
    early = alike_to(ids(shares), shares, NAMES, labeled=[5, 5])
    late = alike_to(ids(shares), shares, NAMES, labeled=[100, 100])
    for group, least in ((early, 0.7), (late, 0.9)):
        held = [shares[int(id), 0] for id in group.ids]
        assert min(held) >= least and held == sorted(held, reverse=True)
    assert len(early.ids) > len(late.ids) >= LEAST and late.purity > early.purity


def test_drawn_by_chance_and_no_larger_than_a_screen():
    shares = said(*np.linspace(0.71, 0.99, 200))
    group = alike_to(ids(shares), shares, NAMES)
    assert len(group.ids) == LARGEST
    assert min(map(int, group.ids)) < 60, "not the surest alone"


def test_of_the_class_with_the_fewest_labels():
    shares = np.concatenate([said(*[0.9] * 20), said(*[0.9] * 20, of=1)])
    assert alike_to(ids(shares), shares, NAMES, labeled=[30, 10]).label == "y"
    assert alike_to(ids(shares), shares, NAMES, labeled=[10, 30]).label == "x"


def test_what_was_crossed_out_before_makes_the_model_less_sure():
    shares = said(*[0.75] * 20)
    ratio = kept_ratio([Group(30, 20, 0.9)] * 4)
    assert ratio < 0.8 and alike_to(ids(shares), shares, NAMES).purity == 0.75
    assert alike_to(ids(shares), shares, NAMES, ratio=ratio).purity < 0.6, "less is promised"
    assert alike_to(ids(shares), shares, NAMES, ratio=0.5) is None
    assert alike_to([], shares[:0], NAMES) is None and alike_to(ids(shares[:3]), shares[:3], NAMES) is None


def test_groups_of_what_the_model_asks_for_come_before_others():
    shares = said(*[0.95] * 40, *[0.7] * 6, *[0.55] * 6)
    names = ids(shares)
    asked = [*names[46:], *names[40:46]]
    group = alike_to(names, shares, NAMES, asked=asked)
    assert set(group.ids) == set(names[40:46]) and group.asked, "all that it is sure enough of, and no others"
    assert not alike_to(names, shares, NAMES, asked=asked[:8]).asked, "two would be as fast one by one"
    assert not alike_to(names, shares, NAMES, asked=["away"]).asked
    assert not alike_to(names, shares, NAMES, labeled=[100, 100], asked=asked).asked, (
        "then the rest is done fast"
    )


def test_a_group_of_what_is_asked_for_holds_what_is_needed_most():
    shares = said(*np.linspace(0.71, 0.99, 50))
    names = ids(shares)
    group = alike_to(names, shares, NAMES, asked=names)
    assert set(group.ids) == set(names[:LARGEST]), "the first of the query, though the least sure"
    assert group.ids == tuple(reversed(names[:LARGEST])), "the surest first"
