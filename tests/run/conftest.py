"""Loops whose learner trains nothing, as in the tests of the loop."""

from tests.loop.conftest import make, pool

__all__ = ["make", "pool"]
