"""A random part of a Parquet file, the same every time: pools of a size that two cores can score.

python benchmarks/thin.py fashion_mnist_train.parquet fashion_10k.parquet 10000
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq


def thin(source: Path, target: Path, rows: int) -> None:
    """Keep so many rows, in their order, chosen by a generator of its own with seed 0."""
    table = pq.read_table(source)
    keep = np.sort(np.random.default_rng(0).permutation(len(table))[:rows])
    pq.write_table(table.take(keep), target)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("rows", type=int)
    arguments = parser.parse_args()
    thin(arguments.source, arguments.target, arguments.rows)


if __name__ == "__main__":
    main()
