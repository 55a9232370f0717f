"""What the herding strategies share: of a large pool, a random part is looked at."""

import pytest
import torch

from ncenet.strategies import cover, strategies
from tests.contracts.fakes import fake_view


@pytest.mark.parametrize("name", ["herding", "max-herding", "uherding"])
def test_of_a_large_pool_a_random_part_is_looked_at(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(cover, "LOOKED_AT", 10)
    strategy = strategies.get(name)()
    view = fake_view(strategy.needs)

    def asked(seed: int, chunk: int) -> list[str]:
        view_in_chunks = view.but(chunk=chunk)
        return sorted(strategy.query(view_in_chunks, 23, rng=torch.Generator().manual_seed(seed)).ids)

    ids = asked(0, 4)
    assert len(ids) == 10 and set(ids) < set(view.ids), "all that are looked at, and no other"
    assert asked(0, 23) == ids != asked(1, 4)
