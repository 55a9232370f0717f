import pytest
import torch


@pytest.fixture
def seeded():
    """The same random numbers in each test, whichever ran before."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield
