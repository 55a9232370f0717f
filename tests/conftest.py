"""One thread for every test, so that tests can run side by side; hypothesis without wall-clock limits."""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported, and for the processes that tests start

import random
import resource
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from hypothesis import settings

from ncenet.ledger import database
from tests.commands import run_command

torch.set_num_threads(1)

# The same examples each time, so that a change is judged by itself.
settings.register_profile("ncenet", deadline=None, print_blob=True, derandomize=True)
settings.register_profile("search", deadline=None, print_blob=True)
settings.load_profile("ncenet")


@pytest.fixture(scope="session", autouse=True)
def no_power_cut():
    """Nothing is forced to the disk in this process: no test cuts the power, and thousands of writes wait."""
    instead = {(os, "fsync"): lambda descriptor: None, (database, "SYNCHRONOUS"): "OFF"}
    real = {(where, name): getattr(where, name) for where, name in instead}
    with pytest.MonkeyPatch.context() as patch:
        for (where, name), value in instead.items():
            patch.setattr(where, name, value)
        yield real


@pytest.fixture
def power_cuts(no_power_cut, monkeypatch):
    """For a test of what is forced to the disk: all is, as for users."""
    for (where, name), value in no_power_cut.items():
        monkeypatch.setattr(where, name, value)


@pytest.fixture
def global_generators_untouched():
    """The test that asks for this may not move the global generators, and nothing that it calls may."""

    def state():
        kind, keys, *rest = np.random.get_state()
        return torch.get_rng_state().numpy().tobytes(), (kind, keys.tobytes(), *rest), random.getstate()

    import sklearn.cluster  # noqa: F401 - the import alone draws from `random`, and no call of ours does

    before = state()
    yield
    assert state() == before, "something drew from a global generator"


@pytest.fixture
def disk_for():
    """While the block runs, no file grows beyond so many bytes: what a full disk does, without one."""

    @contextmanager
    def limited(size):
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))

    return limited


@pytest.fixture
def ncenet(tmp_path, monkeypatch, capsys):
    """Run a command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return lambda *words: run_command(capsys, words)
