import pytest
import torch

from ncenet.strategies.class_balanced import ClassBalanced
from tests.contracts.fakes import fake_view

RNG = torch.Generator()


def view_of(pool, labeled=None):
    """A view of these rows of probabilities, under the ids a, b, c ..."""
    view = fake_view(frozenset({"probs"}), size=len(pool), labeled=0 if labeled is None else len(labeled))
    view.pool.ids = [chr(97 + row) for row in range(len(pool))]
    view.pool.probs = torch.tensor(pool)
    if labeled is not None:
        view.labeled.probs = torch.tensor(labeled)
    return view


def test_classes_take_turns():
    pool = [[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.2, 0.8], [0.1, 0.9]]
    query = ClassBalanced().query(view_of(pool), 4, rng=RNG)
    assert query.ids == ("a", "e", "b", "d")
    assert query.scores == pytest.approx((0, -0.1, -1.0, -1.2))


def test_it_fills_up_what_the_labelled_set_lacks():
    pool = [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.2, 0.8]]
    query = ClassBalanced().query(view_of(pool, [[1.0, 0.0]] * 3), 2, rng=RNG)
    assert query.ids == ("d", "c"), "class 0 has three already"


def test_likelihoods_are_taken_as_shares():
    """An NCE head may give every class of an image a small likelihood."""
    query = ClassBalanced().query(view_of([[0.6, 0.3], [0.05, 0.0]]), 1, rng=RNG)
    assert query.ids == ("b",)


def test_anchors_and_the_background():
    """Two classes and the background, three anchors an image; the background is never filled up."""
    here = [[0.1, 0.0, 0.9]] * 2
    pool = [[[0.8, 0.0, 0.2], *here], [[0.0, 0.6, 0.4], *here], [*here, [0.1, 0.0, 0.9]]]
    query = ClassBalanced().query(view_of(pool), 3, rng=RNG)
    assert query.ids == ("a", "b", "c")
    assert query.scores == pytest.approx((0, 0, -0.9)), "c shows the second class nowhere"


def test_a_class_that_no_image_shows_is_passed_over():
    """A class without a prototype has the likelihood 0 everywhere, and would be rarest for ever."""
    pool = [[0.4, 0.6, 0.0], [0.9, 0.1, 0.0], [0.2, 0.8, 0.0]]
    query = ClassBalanced().query(view_of(pool), 3, rng=RNG)
    two = ClassBalanced().query(view_of([row[:2] for row in pool]), 3, rng=RNG)
    assert query.ids == two.ids == ("b", "c", "a")
    assert query.scores == pytest.approx(two.scores)


def test_anchors_that_see_nothing_come_last():
    nothing, cat = [[0.0, 0.0, 1.0]], [[0.3, 0.0, 0.7]]
    query = ClassBalanced().query(view_of([nothing, cat, nothing]), 3, rng=RNG)
    assert query.ids == ("b", "a", "c")
    assert query.scores == (0.0, -1e30, -1e30)
