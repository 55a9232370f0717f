"""A random part of Parquet files, the same every time: pools of a size that two cores can score.

python benchmarks/thin.py fashion_mnist_train.parquet fashion_10k.parquet 10000
python benchmarks/thin.py clothing10_val.parquet clothing10_test.parquet clothing10_held_out.parquet 713
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def thin(sources: list[Path], target: Path, rows: int) -> None:
    """Keep so many rows, in their order, chosen by a generator of its own with seed 0."""
    table = pa.concat_tables([pq.read_table(source) for source in sources])
    keep = np.sort(np.random.default_rng(0).permutation(len(table))[:rows])
    pq.write_table(table.take(keep), target)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sources", type=Path, nargs="+")
    parser.add_argument("target", type=Path)
    parser.add_argument("rows", type=int)
    arguments = parser.parse_args()
    thin(arguments.sources, arguments.target, arguments.rows)


if __name__ == "__main__":
    main()
