"""Open pools: images of no class mixed in, skipped when asked for, and what is asked from then on.

    python benchmarks/open_pool.py FOLDER --seeds 5 --out open_pool.csv

In each pool a share of the images is foreign: of another set, or (cifar10) of four of its ten classes. Twenty
images are drawn, then twenty are asked for in each of eight queries; foreign ones are skipped. "margin" and
"herding" choose among all, with "scope" behind them among what `in_scope` leaves; with "rejection" behind
them, among what the head does not reject, cut where out-of-fold answers are 98 % labels. The clean pool holds
no foreign images. Means over seeds, the NCE head on stored features.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from stored import Stored, open_stored
from torch import Tensor

from ncenet.functional.scope import _cut, in_scope
from ncenet.learners.head_fit import fit_head
from ncenet.nn.heads import Head, build_head
from ncenet.nn.principal import PrincipalComponents
from ncenet.recipe import HeadRecipe
from ncenet.strategies import strategies
from selection import View

ASKED, QUERIES, FOLDS = 20, 8, 5
ARMS = ("margin", "margin rejection", "margin scope", "herding", "herding scope")
SHARES = (0.0, 0.2, 0.4, 0.6)
SETS = (("clothing10", "grocery81"), ("cifar10", "its own"))


def mixed(folder: Path, name: str, other: str, share: float, seed: int) -> tuple[Stored, Tensor]:
    """A set with foreign images, and which are foreign; principal components are those of the mixture."""
    data, rng = open_stored(folder, name), np.random.default_rng(seed)
    own = torch.arange(len(data.raw))
    tested = torch.arange(len(data.raw_test))
    if other == "its own":  # six classes are in scope, four are not
        strange = data.raw[data.targets >= 6]
        own, tested = (data.targets < 6).nonzero().flatten(), (data.test_targets < 6).nonzero().flatten()
    else:
        strange = open_stored(folder, other).raw
    keep = min(len(own), int(len(strange) * (1 - share) / share)) if share else len(own)
    own = own[rng.permutation(len(own))[:keep]]
    count = round(keep * share / (1 - share))
    raw = torch.cat([data.raw[own], strange[rng.permutation(len(strange))[:count]]])
    reduce = PrincipalComponents.of(raw)
    classes = 6 if other == "its own" else data.classes
    targets = torch.cat([data.targets[own], torch.zeros(count, dtype=torch.int64)])
    test, test_targets = reduce(data.raw_test[tested]), data.test_targets[tested]
    made = Stored(name, reduce(raw), targets, test, test_targets, classes, raw, data.raw_test[tested])
    return made, torch.arange(len(raw)) >= len(own)


def fitted(data: Stored, rows: list[int]) -> Head:
    torch.manual_seed(0)
    head = build_head(HeadRecipe(), data.pool.shape[1], data.classes, stored=True)
    fit_head(head, data.pool[rows], data.targets[rows])
    return head


def accepted(data: Stored, head: Head, labeled: list[int], skipped: list[int]) -> Tensor:
    """(N,) bool: what the head does not reject, by its largest likelihood."""
    part = torch.randperm(len(labeled), generator=torch.Generator().manual_seed(0)) % FOLDS
    with torch.no_grad():
        said = [head.probs(head(data.pool[skipped])).amax(1)]
    for fold in range(FOLDS):
        learned = [row for row, of in zip(labeled, part.tolist(), strict=True) if of != fold]
        asked = [row for row, of in zip(labeled, part.tolist(), strict=True) if of == fold]
        if learned and asked:
            other = fitted(data, learned)
            with torch.no_grad():
                said.append(other.probs(other(data.pool[asked])).amax(1))
    told = torch.cat([torch.zeros(len(said[0])), torch.ones(sum(map(len, said[1:])))])
    with torch.no_grad():
        return head.probs(head(data.pool)).amax(1) >= _cut(torch.cat(said).double(), told)


def run(data: Stored, foreign: Tensor, arm: str, seed: int) -> list[tuple[int, float, float]]:
    """Labels, accuracy and the part of the next query that is in scope, for each query."""
    name, *how = arm.split()
    strategy = strategies.get(name)()
    answered = np.random.default_rng(seed).permutation(len(data.pool))[:ASKED].tolist()
    rows = []
    for query in range(QUERIES + 1):
        labeled = [row for row in answered if not foreign[row]]
        skipped = [row for row in answered if foreign[row]]
        head = fitted(data, labeled)
        with torch.no_grad():
            accuracy = float((head(data.test).argmax(1) == data.test_targets).double().mean())
        if query == QUERIES:
            rows.append((len(labeled), accuracy, float("nan")))
            break
        inside = torch.ones(len(data.pool), dtype=torch.bool)
        rng = torch.Generator().manual_seed(1000 * seed + query)
        if how == ["scope"]:
            inside = in_scope(
                data.pool, data.pool[labeled], data.pool[skipped], least=len(answered) + ASKED, rng=rng
            )
        elif how == ["rejection"] and skipped:
            inside = accepted(data, head, labeled, skipped)
        view = View(head, data, labeled, strategy.needs)
        view.offer([row for row in inside.nonzero().flatten().tolist() if row not in set(answered)])
        asked = [int(image) for image in strategy.query(view, ASKED, rng=rng).ids]
        rows.append((len(labeled), accuracy, float((~foreign[asked]).double().mean()) if asked else 1.0))
        answered += asked
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    head = (
        "set",
        "foreign",
        "share",
        "arm",
        "in scope: query 1",
        "2",
        "3 to 8",
        "least",
        "labels",
        "accuracy",
    )
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}", flush=True)
    with args.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*head[:4], "seed", "query", "labels", "accuracy", "in_scope"])
        for name, other in SETS:
            for share in SHARES:
                found: dict[str, list[list[tuple[int, float, float]]]] = defaultdict(list)
                for seed in range(args.seeds):
                    data, foreign = mixed(args.folder, name, other, share, seed)
                    for arm in ARMS if share else ("margin", "herding"):
                        rows = run(data, foreign, arm, seed)
                        found[arm].append(rows)
                        key = name, other, share, arm, seed
                        writer.writerows([*key, query, *row] for query, row in enumerate(rows))
                    file.flush()
                for arm, runs in found.items():
                    table = np.array(runs)  # (seeds, queries, 3)
                    scope = table[:, :-1, 2].mean(0)
                    parts = (scope[0], scope[1], scope[2:].mean(), scope[2:].min())
                    labels, accuracy = table[:, -1, 0].mean(), 100 * table[:, -1, 1].mean()
                    shown = [*(f"{part:.0%}" for part in parts), f"{labels:.0f}", f"{accuracy:.1f}"]
                    print(f"| {name} | {other} | {share:.0%} | {arm} | {' | '.join(shown)} |", flush=True)


if __name__ == "__main__":
    main()
