"""Where a cluster should be and is not."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from ncenet.engines.ray import cluster
from ncenet.errors import UsageError


@pytest.mark.parametrize("error", [ConnectionError("none runs"), RuntimeError("GCS"), ValueError("bad")])
def test_an_address_where_no_cluster_answers(monkeypatch, error):
    def init(**_):
        raise error

    fake = SimpleNamespace(
        is_initialized=lambda: False,
        init=init,
        shutdown=lambda: pytest.fail("was never connected"),
        exceptions=SimpleNamespace(RayError=KeyError),
    )
    monkeypatch.setitem(sys.modules, "ray", fake)
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    with (
        pytest.raises(UsageError, match="no Ray cluster answers at RAY_ADDRESS=auto: `ray start --head`"),
        cluster(),
    ):
        pytest.fail("it is connected")
