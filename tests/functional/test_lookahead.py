import pytest
import torch

from ncenet.functional.lookahead import ClassMeans, KnownPoints, Ridge, greedy, worth_of
from tests.reference import lookahead as reference

C, D = 4, 6


def data(seed=0, labeled=7, candidates=12, test=30):
    rng = torch.Generator().manual_seed(seed)
    centres = torch.randn(C, D, generator=rng, dtype=torch.float64)

    def draw(n):
        targets = torch.randint(C, (n,), generator=rng)
        return centres[targets] + 0.7 * torch.randn(n, D, generator=rng, dtype=torch.float64), targets

    (known, their), (pool, hidden), (tested, targets) = draw(labeled), draw(candidates), draw(test)
    their = their.clamp(max=C - 2)  # the last class has no label yet
    return known, their, pool, hidden, tested, targets


def makers():
    return [
        (ClassMeans, reference.class_means, {}),
        (Ridge, reference.ridge, {"strength": 0.3}),
        (Ridge, reference.ridge, {"strength": 2.0}),
    ]


def margins(scores, targets):
    """Score of the right class over the best of the others, image by image."""
    found = []
    for row, target in zip(scores.tolist(), targets.tolist(), strict=True):
        others = [score for c, score in enumerate(row) if c != target]
        found.append(row[target] - max(others) if row[target] > -torch.inf else -torch.inf)
    return torch.tensor(found, dtype=scores.dtype)


@pytest.mark.parametrize(("make", "slow", "more"), makers())
def test_each_candidate_changes_what_a_fit_from_the_start_would(make, slow, more):
    known, their, pool, hidden, tested, test_targets = data()
    ahead = make(KnownPoints(known, their, pool, hidden, tested, test_targets, C), **more)
    learned, targets = list(known), their.tolist()
    for step in (None, 3, 8):
        if step is not None:
            ahead.add(step)
            learned, targets = [*learned, pool[step]], [*targets, int(hidden[step])]
        scores = slow(learned, targets, tested, C, *more.values())
        torch.testing.assert_close(ahead.scores, scores)
        torch.testing.assert_close(ahead.margins, margins(scores, test_targets))
        after = ahead.margins_after(slice(0, 12))
        for row in range(12):
            scores = slow([*learned, pool[row]], [*targets, int(hidden[row])], tested, C, *more.values())
            torch.testing.assert_close(after[row], margins(scores, test_targets))


@pytest.mark.parametrize("make", [ClassMeans, Ridge])
def test_blocks_do_not_change_what_candidates_are_worth(make):
    whole = worth_of(make(KnownPoints(*data(), C)))
    one_by_one = worth_of(make(KnownPoints(*data(), C)), block=1)
    torch.testing.assert_close(one_by_one, whole)


def test_of_one_class_alone_all_is_right():
    *given, _ = data()
    known, their, pool, hidden, tested = given
    nothing = torch.zeros_like
    points = KnownPoints(
        known, nothing(their), pool, nothing(hidden), tested, nothing(tested[:, 0], dtype=torch.long), 1
    )
    assert ClassMeans(points).margins_after(slice(0, 2)).tolist() == [[torch.inf] * 30] * 2


def test_greedy_reaches_more_than_the_first_that_come():
    gained = []
    for seed in range(10):
        *given, targets = data(seed, candidates=60, test=200)
        known, their, pool, hidden, tested = given
        chosen = greedy(Ridge(KnownPoints(*given, targets, C)), 5)
        assert len(set(chosen)) == 5

        def accuracy(
            rows, known=known, their=their, pool=pool, hidden=hidden, tested=tested, targets=targets
        ):
            vectors, labels = [*known, *pool[rows]], [*their.tolist(), *hidden[rows].tolist()]
            scores = reference.ridge(vectors, labels, tested, C, 1.0)
            return float((scores.argmax(1) == targets).double().mean())

        gained.append(accuracy(chosen) - accuracy([0, 1, 2, 3, 4]))
    assert min(gained) > 0.02, "on test images that it may look at, greedy wins every time"


def test_a_new_class_is_worth_its_test_images():
    known, their, pool, hidden, tested, targets = data()
    worth = worth_of(ClassMeans(KnownPoints(known, their, pool, hidden, tested, targets, C)))
    assert hidden[int(worth.argmax())] == C - 1, "nothing else gets the images of the class without a label"


def test_more_picks_than_candidates_are_all_of_them():
    assert sorted(greedy(ClassMeans(KnownPoints(*data(candidates=3), C)), 10)) == [0, 1, 2]
