import pytest
import torch

from ncenet.compare.analysis.information import information_curve, measure_information
from ncenet.compare.analysis.models import TrialModels
from ncenet.errors import DataError
from tests.compare.analysis.conftest import COMPARISON
from tests.reference import information as reference


@pytest.fixture
def trials(trained):
    return [
        TrialModels(arm, trained / COMPARISON.folder(arm, 4)) for arm in ("NCE rejection", "softmax entropy")
    ]


def test_a_curve_equals_the_reference(trials):
    probs = torch.rand(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    curve = information_curve(trials[0], 7, probs)
    assert (curve.arm, curve.head, curve.images, curve.labeled) == ("NCE rejection", "nce", 50, 7)
    assert curve.ranks == tuple(range(1, 51))
    expected = [reference.subset_information(probs.tolist(), size) for size in curve.ranks]
    assert curve.subset == pytest.approx(expected, abs=1e-4)
    assert curve.top_tenth == pytest.approx(expected[4]), "the 5 most informative of 50"
    each = sorted((reference.information(row) for row in probs.tolist()), reverse=True)
    assert curve.relative == pytest.approx([50 * i / sum(each) for i in each], abs=1e-4)


def test_likelihoods_too_small_for_their_precision_weigh_alike(trials):
    logs = torch.tensor([-1.0, -50.0, -87.0, -103.0, -104.0, -200.0])
    probs = logs.exp()[:, None]
    assert probs[-3] > 0 and probs[-2] == probs[-1] == 0
    informations = [87.3365] * 3 + [87, 50, 1]
    expected = [6 * each / sum(informations) for each in informations]
    assert information_curve(trials[0], 7, probs).relative == pytest.approx(expected, abs=1e-4)


def test_long_curves_are_thinned_and_keep_their_ends(trials):
    curve = information_curve(trials[0], 7, torch.rand(1000, 3))
    assert len(curve.ranks) == 201
    assert (curve.ranks[0], curve.ranks[-1]) == (1, 1000)
    assert curve.subset[-1] == pytest.approx(1)


def test_certain_of_everything_is_said(trials):
    with pytest.raises(DataError, match=r"seed-4: the information of 5 images sums to 0.0"):
        information_curve(trials[0], 7, torch.ones(5, 2))


def test_both_heads_see_the_same_unlabelled_images(trials, monkeypatch):
    asked = []
    probs = TrialModels.probs
    monkeypatch.setattr(
        TrialModels,
        "probs",
        lambda self, cycle, ids: (asked.append((cycle, ids)), probs(self, cycle, ids))[1],
    )
    measured = measure_information(trials, 200)
    assert measured.seed == 4
    assert [(c.head, c.images, c.labeled) for c in measured.curves] == [
        ("nce", 200, 30),
        ("softmax", 200, 30),
    ]
    assert asked[0] == asked[1]
    cycle, ids = asked[0]
    assert cycle == 1
    assert len(set(ids)) == 200
    assert not set(ids) & set(trials[0].labeled(1).ids)
    assert measure_information(trials, 200) == measured
    assert measure_information(trials, 10_000).curves[0].images == 1297 - 30, "as many as there are"
