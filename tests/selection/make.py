"""Score files of made-up models."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ncenet.rng import Lots
from ncenet.selection.budget import Budget
from ncenet.selection.choose import choose, open_files
from ncenet.selection.wish import Wish


def table(count, *, first=0, seed=0, classes=3, dim=4, **columns):
    """Ids, likelihoods, embeddings and cameras; ties are frequent."""
    rng = np.random.default_rng(seed + first)
    probs = rng.dirichlet(np.ones(classes), count).round(2).astype(np.float32)
    return pa.table(
        {
            "id": [f"{first + row:06}" for row in rng.permutation(count)],
            "likelihood": pa.FixedSizeListArray.from_arrays(pa.array(probs.ravel()), classes),
            "embedding": pa.FixedSizeListArray.from_arrays(
                pa.array(rng.standard_normal(count * dim).astype(np.float16)), dim
            ),
            "camera": rng.choice(["north", "south", "west"], count, p=[0.7, 0.2, 0.1]).tolist(),
            "day": pa.array(rng.integers(0, 3, count)),
            **columns,
        }
    )


def shards(folder, counts=(50, 70, 30), *, about=None, **options):
    """Several files of one pool, and all of it."""
    folder.mkdir(parents=True, exist_ok=True)
    parts, first = [], 0
    for number, count in enumerate(counts):
        part = table(count, first=first, **options)
        metadata = {} if about is None else {b"ncenet": json.dumps(about).encode()}
        part = part.replace_schema_metadata(metadata)
        pq.write_table(part, folder / f"{number}.parquet", row_group_size=17)
        parts.append(part)
        first += count
    return pa.concat_tables(parts)


def margins(whole):
    """Margin of each row, by a loop."""
    rows = {}
    for row in whole.to_pylist():
        best, second, *_ = sorted((np.float32(p) for p in row["likelihood"]), reverse=True)
        rows[row["id"]] = float(second - best)
    return rows


def best(scores, count, skip=()):
    """The ids of the highest scores, by sorting all; ties by lot."""
    lots = Lots(0)
    ordered = sorted((-score, lots(id), id) for id, score in scores.items() if id not in skip)
    return [id for *_, id in ordered[:count]]


def chosen(*sources, n=None, id="id", **wish):
    """A query from files."""
    budget = wish.pop("budget", Budget(images=n))
    return choose(open_files([str(source) for source in sources], id), Wish(budget, id=id, **wish))
