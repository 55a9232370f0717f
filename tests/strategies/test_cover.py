"""What the herding strategies share: of a large pool, a random part is looked at."""

import pytest
import torch

from ncenet.functional.herding import herd
from ncenet.strategies import cover, strategies
from tests.contracts.fakes import fake_view


@pytest.mark.parametrize("name", ["herding", "max-herding", "uherding"])
def test_of_a_large_pool_a_random_part_is_looked_at(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(cover, "LOOKED_AT", 10)
    strategy = strategies.get(name)()
    view = fake_view(strategy.needs)

    def asked(seed: int, chunk: int, size: int = 10) -> list[str]:
        view_in_chunks = view.but(chunk=chunk)
        return sorted(strategy.query(view_in_chunks, size, rng=torch.Generator().manual_seed(seed)).ids)

    ids = asked(0, 4)
    assert len(ids) == 10 and set(ids) < set(view.ids), "all that are looked at, and no other"
    assert asked(0, 23) == ids != asked(1, 4)
    assert len(asked(0, 4, 15)) == 15, "a query that is larger than the part is no shorter for it"


def test_while_labels_are_of_one_class_herding_covers_the_pool() -> None:
    herding = strategies.get("herding")()
    view = fake_view(herding.needs)
    view.pool.probs[:, 1:] = 0  # the other classes have no prototype yet
    view.pool.probs[:, 0] = 0.5
    rows = sorted(range(23), key=view.ids.__getitem__)
    herded = herd(view.pool.in_radii[rows], 4, 1.0, centers_LD=view.labeled.in_radii)
    query = herding.query(view, 4, rng=torch.Generator().manual_seed(0))
    assert list(query.ids) == [view.ids[rows[row]] for row in herded.indices.tolist()]
    assert min(query.scores) > 0 and list(query.ids) != sorted(view.ids)[:4]
