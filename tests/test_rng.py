"""Named random streams."""

from typing import get_args

import numpy as np
import pytest
import torch

from ncenet.rng import Stream, Streams, seeded


def test_streams_are_told_apart_by_seed_name_and_keys():
    seeds = [
        Streams(run).seed(stream, *keys)
        for run in (0, 1)
        for stream in get_args(Stream)
        for keys in ((), (0,), (1,), (0, 1), (1, 0), (11,), (1, 1))
    ]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_a_stream_starts_again_for_whoever_asks_again():
    first, again = Streams(3).torch("order", 2), Streams(3).torch("order", 2)
    assert torch.equal(torch.rand(5, generator=first), torch.rand(5, generator=again))
    assert np.array_equal(Streams(3).numpy("initial").random(5), Streams(3).numpy("initial").random(5))


def test_a_misspelt_stream_is_an_error():
    with pytest.raises(ValueError, match="no random stream 'ordr': there are initial"):
        Streams(0).seed("ordr")


def test_a_scope_seeds_the_global_generator_and_puts_it_back(global_generators_untouched):
    with Streams(0).scope("weights", 1):
        inside = torch.rand(3)
    with Streams(0).scope("weights", 1):
        assert torch.equal(torch.rand(3), inside)


def test_a_seeded_block_repeats_and_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    drawn = []
    for seed in (0, 0, 1):
        with seeded(torch.Generator().manual_seed(seed)):
            drawn.append(torch.rand(3).tolist())
    assert drawn[0] == drawn[1] != drawn[2]
    assert torch.equal(torch.get_rng_state(), before)


def test_blocks_of_one_generator_differ():
    generator, drawn = torch.Generator().manual_seed(0), []
    for _ in range(2):
        with seeded(generator):
            drawn.append(torch.rand(3).tolist())
    assert drawn[0] != drawn[1]
