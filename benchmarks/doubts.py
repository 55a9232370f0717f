"""Planted wrong labels: how many of the first fifty suspects are wrong, ours and cleanlab's side by side.

    python benchmarks/doubts.py LABELLED.parquet [SEED ...]

Both are given the same likelihoods: of each image by a ridge regression on lite0 features of all the others.
Of 2,000 images 5, 10 or 20 % have a wrong label, drawn evenly from the other classes.
"""

from __future__ import annotations

import sys

import numpy as np
from cleanlab.filter import find_label_issues

from ncenet.data.open import open_dataset
from ncenet.features.pool import VectorPool, open_source
from ncenet.recipe import ModelRecipe
from ncenet.run.doubts import doubts, left_out_shares, votes

IMAGES, FIRST = 2000, 50


def main(path, *seeds):
    """Print a row for each share of wrong labels and seed."""
    data = open_dataset(path)
    ids = list(data.pool.ids())
    names = list(data.class_names)
    truth = data.required_oracle().answer(ids)
    source = open_source(ModelRecipe(features="lite0"), pool=data.pool, ids=ids)
    vectors = VectorPool(data.pool, source)
    print("wrong, seed: precision among the first 50, ours and cleanlab's; suspects")
    for share in (0.05, 0.1, 0.2):
        for seed in map(int, seeds or ("0", "1", "2")):
            random = np.random.default_rng(seed)
            chosen = [ids[n] for n in random.permutation(len(ids))[:IMAGES]]
            true = np.array([names.index(truth[id]) for id in chosen])
            given = true.copy()
            wrong = random.permutation(len(chosen))[: round(share * len(chosen))]
            given[wrong] = (given[wrong] + random.integers(1, len(names), len(wrong))) % len(names)
            features = vectors.rows(chosen)
            features = features / np.linalg.norm(features, axis=1, keepdims=True)
            shares = left_out_shares(features, given.tolist(), len(names))
            ours = doubts(shares, votes(features, given.tolist(), len(names)), given.tolist())
            theirs = find_label_issues(given, shares, return_indices_ranked_by="self_confidence", n_jobs=1)
            found = [float(np.mean(given[rows[:FIRST]] != true[rows[:FIRST]])) for rows in (ours, theirs)]
            print(f"{share:.0%}, {seed}: {found[0]:.2f} and {found[1]:.2f}; {len(ours)} and {len(theirs)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
