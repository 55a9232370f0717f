import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

import ncenet.functional as F

likelihoods = st_numpy.arrays(
    "float64", st.tuples(st.integers(1, 8), st.integers(2, 6)), elements=st.floats(0, 1, allow_subnormal=True)
).map(torch.from_numpy)


@settings(deadline=None, max_examples=100)
@given(probs=likelihoods)
def test_scores_are_finite_and_in_the_range_they_state(probs: torch.Tensor) -> None:
    C = probs.shape[-1]
    torch.testing.assert_close(F.confusion(probs), 2 * C - C * probs.amax(-1) - F.rejection(probs))
    for scores, low, high in [
        (F.rejection(probs), 0, C),
        (F.confusion(probs), 1, C),
        (F.binary_entropy(probs), 0, 0.6931472),
        (F.margin(probs), -1, 0),
        (F.least_confidence(probs), 0, 1),
        (F.information(probs), 0, 708.5),
    ]:
        assert scores.shape == probs.shape[:-1]
        assert (scores >= low - 1e-9).all()
        assert (scores <= high + 1e-9).all()
