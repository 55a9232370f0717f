"""One seed, named streams: every random number of a run can be drawn again.

A stream's seed is a hash of the run's seed, the stream's name and its keys (cycle, epoch), so nothing
has to be saved to resume: whoever asks for the same stream gets the same numbers.
The global generators are never used, and never changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    import numpy as np
    import torch

Stream: TypeAlias = Literal[
    "initial",
    "weights",
    "order",
    "augment",
    "subset",
    "query",
    "dropout",
    "held-out",
    "first",
    "scope",
    "bootstrap",
    "figures",
    "outlook",
    "member",
    "ranks",
]


class Streams:
    """The random streams of one run.

    Args:
        seed: the run's seed.

    >>> streams = Streams(0)
    >>> streams.seed("order", 3) == Streams(0).seed("order", 3)
    True
    >>> streams.seed("order", 3) == streams.seed("order", 4)
    False
    """

    def __init__(self, seed: int) -> None:
        self.run_seed = seed

    def seed(self, stream: Stream, *keys: int) -> int:
        """Seed in [0, 2**63) of a stream.

        Args:
            stream: which one.
            keys: what tells its uses apart, for instance cycle and epoch.

        Raises:
            ValueError: there is no stream of that name.
        """
        if stream not in get_args(Stream):
            raise ValueError(f"no random stream {stream!r}: there are {', '.join(get_args(Stream))}")
        text = "/".join([str(self.run_seed), stream, *map(str, keys)])
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1

    def torch(self, stream: Stream, *keys: int) -> torch.Generator:
        """A fresh generator on the CPU at the start of the stream."""
        import torch

        return torch.Generator().manual_seed(self.seed(stream, *keys))

    def numpy(self, stream: Stream, *keys: int) -> np.random.Generator:
        """A fresh numpy generator at the start of the stream."""
        import numpy as np

        return np.random.default_rng(self.seed(stream, *keys))

    @contextmanager
    def scope(self, stream: Stream, *keys: int) -> Iterator[None]:
        """Seed torch's global generators within the block, and put them back afterwards.

        For what takes no generator: parameter initialisation and dropout.
        """
        import torch

        with torch.random.fork_rng():
            torch.manual_seed(self.seed(stream, *keys))
            yield


@dataclass(frozen=True)
class Lots:
    """Lots that say who comes first of equals, as the order of ids or rows often is one of classes.

    A lot depends on the seed and the id alone, so that ids in any order, chunks and shards draw the same.

    Attributes:
        seed: of the draw.

    >>> sorted(["cat/1", "cat/2", "dog/1", "dog/2"], key=Lots(0))
    ['cat/2', 'dog/2', 'dog/1', 'cat/1']
    """

    seed: int

    @classmethod
    def of(cls, generator: torch.Generator) -> Lots:
        """Those of the seed of a generator, from which nothing is drawn."""
        return cls(generator.initial_seed())

    def __call__(self, id: str) -> bytes:
        """The lot of an id; the smallest comes first."""
        text = f"{self.seed}/{id}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, digest_size=8).digest()


@contextmanager
def seeded(generator: torch.Generator) -> Iterator[None]:
    """Seed torch's global generators by a number of ``generator`` within the block; put them back afterwards.

    For what takes no generator, where there is no stream at hand but a generator.
    """
    import torch

    seed = int(torch.randint(2**62, (), generator=generator))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
