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


@pytest.mark.parametrize(("make", "slow", "more"), makers())
def test_each_candidate_changes_what_a_fit_from_the_start_would(make, slow, more):
    known, their, pool, hidden, tested, _ = data()
    ahead = make(KnownPoints(known, their, pool, hidden, tested, C), **more)
    learned, targets = list(known), their.tolist()
    for step in (None, 3, 8):
        if step is not None:
            ahead.add(step)
            learned, targets = [*learned, pool[step]], [*targets, int(hidden[step])]
        torch.testing.assert_close(ahead.scores, slow(learned, targets, tested, C, *more.values()))
        after = ahead.after(slice(2, 9))
        for row in range(2, 9):
            expected = slow([*learned, pool[row]], [*targets, int(hidden[row])], tested, C, *more.values())
            torch.testing.assert_close(after[row - 2], expected)


def test_blocks_do_not_change_what_candidates_are_worth():
    *given, targets = data()
    whole = worth_of(ClassMeans(KnownPoints(*given, C)), targets, 12)
    one_by_one = worth_of(ClassMeans(KnownPoints(*given, C)), targets, 12, block=1)
    torch.testing.assert_close(one_by_one, whole)


def test_greedy_reaches_more_than_the_first_that_come():
    gained = []
    for seed in range(10):
        *given, targets = data(seed, candidates=60, test=200)
        known, their, pool, hidden, tested = given
        chosen = greedy(Ridge(KnownPoints(*given, C)), targets, 60, 5)
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
    ahead = ClassMeans(KnownPoints(known, their, pool, hidden, tested, C))
    worth = worth_of(ahead, targets, 12)
    assert hidden[int(worth.argmax())] == C - 1, "nothing else gets the images of the class without a label"


def test_more_picks_than_candidates_are_all_of_them():
    *given, targets = data(candidates=3)
    assert sorted(greedy(ClassMeans(KnownPoints(*given, C)), targets, 3, 10)) == [0, 1, 2]
