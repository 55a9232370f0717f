import pytest
import torch
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from ncenet.functional import k_means


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_point_is_nearest_to_the_weighted_mean_of_its_own_cluster() -> None:
    points, weights = normal(200, 3), torch.rand(200, generator=rng(1)) + 0.1
    labels = k_means(points, 7, rng=rng(), weights_N=weights)
    means = torch.stack(
        [(weights @ (points * (labels == c)[:, None])) / weights[labels == c].sum() for c in range(7)]
    )
    assert torch.equal(torch.cdist(points, means).argmin(1), labels)
    assert not torch.equal(k_means(points, 7, rng=rng()), labels), "weights pull"


def test_the_same_generator_gives_the_same_clusters_and_another_may_not() -> None:
    points = normal(300, 8)
    first = k_means(points, 20, rng=rng())
    assert torch.equal(k_means(points, 20, rng=rng()), first)
    assert any(not torch.equal(k_means(points, 20, rng=rng(seed)), first) for seed in range(1, 4))


@pytest.mark.usefixtures("global_generators_untouched")
def test_points_that_coincide_share_a_cluster_and_nothing_is_warned_of() -> None:
    points = normal(3, 4).repeat(5, 1)
    labels = k_means(points, 6, rng=rng())
    assert len(set(labels.tolist())) == 3
    assert torch.equal(labels, labels[:3].repeat(5))


def test_centres_are_the_same_bit_for_bit_with_many_threads(monkeypatch) -> None:
    points, centres, fit = normal(5000, 16), [], KMeans.fit

    def watched(self, *args, **options):
        centres.append(torch.from_numpy(fit(self, *args, **options).cluster_centers_))
        return self

    monkeypatch.setattr(KMeans, "fit", watched)
    with threadpool_limits(4, user_api="openmp"):
        for _ in range(10):
            k_means(points, 20, rng=rng())
    assert all(torch.equal(each, centres[0]) for each in centres)


def test_half_precision_is_clustered_in_float32() -> None:
    points = normal(100, 4).bfloat16().requires_grad_()
    assert torch.equal(k_means(points, 5, rng=rng()), k_means(points.detach().float(), 5, rng=rng()))
