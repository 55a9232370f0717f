"""Open pools: images of no class mixed in, skipped when asked for, and what is asked from then on.

    python benchmarks/open_pool.py FOLDER --seeds 5 --out open_pool.csv

In each pool a share of the images is foreign: of another set, or (cifar10) of four of its ten classes. Twenty
images are drawn, then twenty are asked for in each of eight queries; foreign ones are skipped. "margin" and
"herding" choose among all; with "scope" behind them among what `in_scope` leaves; with "rejection" among what
the head does not reject; with "extra" among what a head leaves that has learned skipped images as classes of
their own, up to four of them by k-means. The last two are cut, as the first is, where out-of-fold answers are
98 % labels. With "keep" the line of `in_scope` is cut where 95 % of the labels, out of fold, lie above it;
with "weigh" (margin alone) nothing is cut, and the doubt of an image is multiplied by its chance to be in
scope, as that line has it. With "chance" (herding alone), which is what the library does for herding, only
what is out of scope more likely than not is cut, and the doubt of the rest counts as far as it is likely to
be in scope. With "fewer" nothing is foreign, and 2 % of the images are missing by chance: how far a run is
from another one that is as good. "Clean" is the same pool without its foreign images. Means over seeds, the
NCE head on stored features. What an arm is below the clean pool at the end is told in two parts: "budget" is
what the clean pool has at as many labels as the arm got, for skips give none; "choice" the rest: other images
were asked for.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression
from stored import Stored, open_stored
from torch import Tensor

from ncenet.compare.statistics import paired_difference
from ncenet.functional.calibration import RIDGE, out_of_fold
from ncenet.functional.clusters import k_means
from ncenet.functional.scope import chance_in_scope, in_scope, purest_cut
from ncenet.learners.head_fit import fit_head
from ncenet.loop.scope import EVEN
from ncenet.nn.heads import Head, build_head
from ncenet.nn.principal import PrincipalComponents
from ncenet.recipe import HeadRecipe
from ncenet.strategies import strategies
from selection import View

ASKED, QUERIES, FOLDS = 20, 8, 5
ARMS = (
    *("margin clean", "margin", "margin rejection", "margin scope", "margin extra", "margin keep"),
    "margin weigh",
    *("herding clean", "herding", "herding scope", "herding chance", "margin fewer"),
)
SHARES = (0.2, 0.4, 0.6)
EXTRA, KEPT, FEWER = 4, 0.95, 0.02
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

    def likelihood(of: Head, rows: list[int] | slice) -> Tensor:
        with torch.no_grad():
            return of.probs(of(data.pool[rows])).amax(1).double()

    said, told = [likelihood(head, skipped)], [torch.zeros(len(skipped))]
    for learned, asked in folds(labeled):
        said.append(likelihood(fitted(data, learned), asked))
        told.append(torch.ones(len(asked)))
    return likelihood(head, slice(None)) >= purest_cut(torch.cat(said), torch.cat(told))


def with_extra_classes(data: Stored, labeled: list[int], skipped: list[int]) -> Tensor:
    """(N,) bool: what a head takes for none of the classes that skipped images are."""
    C, kinds = data.classes, min(EXTRA, len(skipped))
    clusters = k_means(data.pool[skipped], kinds, rng=torch.Generator().manual_seed(0))
    targets = data.targets.clone()
    targets[skipped] = C + clusters
    wider = replace(data, targets=targets, classes=C + kinds)

    def side(of: Head, rows: list[int] | slice) -> Tensor:
        with torch.no_grad():
            probs = of.probs(of(data.pool[rows])).double().clamp_min(1e-30)
        return probs[:, :C].sum(1).log() - probs[:, C:].sum(1).log()

    answers = labeled + skipped
    said, told = [], []
    for learned, asked in folds(answers):
        said.append(side(fitted(wider, learned), asked))
        told.append((targets[asked] < C).double())
    return side(fitted(wider, answers), slice(None)) >= purest_cut(torch.cat(said), torch.cat(told))


def sides(
    data: Stored, labeled: list[int], skipped: list[int], rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """How far each image is on the side of the labels, (N,); and labels that were left out in turn, (L,)."""
    answers = data.pool[labeled + skipped].double()
    told = torch.cat([torch.ones(len(labeled)), torch.zeros(len(skipped))]).long()
    line = LogisticRegression(C=1 / RIDGE, max_iter=200, tol=1e-4).fit(answers.numpy(), told.numpy())
    said, told = out_of_fold(answers, told, rng=rng)
    of_labels = (said[:, 1] - said[:, 0]).double()[told == 1]
    return torch.from_numpy(line.decision_function(data.pool.double().numpy())), of_labels


def doubts(data: Stored, head: Head) -> Tensor:
    """(N,) in [0, 1]: one minus the margin of the two likeliest classes."""
    with torch.no_grad():
        probs = head.probs(head(data.pool)).double()
    first, second = (probs / probs.sum(1, keepdim=True).clamp_min(1e-30)).topk(2, dim=1).values.T
    return 1 - (first - second)


def folds(rows: list[int]) -> Iterator[tuple[list[int], list[int]]]:
    """What is learned, and what is asked, in turn."""
    part = (torch.randperm(len(rows), generator=torch.Generator().manual_seed(0)) % FOLDS).tolist()
    for fold in range(FOLDS):
        learned = [row for row, of in zip(rows, part, strict=True) if of != fold]
        asked = [row for row, of in zip(rows, part, strict=True) if of == fold]
        if learned and asked:
            yield learned, asked


def clean(data: Stored, foreign: Tensor) -> tuple[Stored, Tensor]:
    """The pool without its foreign images."""
    own = (~foreign).nonzero().flatten()
    return replace(data, pool=data.pool[own], targets=data.targets[own], raw=data.raw[own]), foreign[own]


def run(data: Stored, foreign: Tensor, arm: str, seed: int) -> list[tuple[int, float, float]]:
    """Labels, accuracy and the part of the next query that is in scope, for each query."""
    name, *how = arm.split()
    if how in (["clean"], ["fewer"]):
        data, foreign = clean(data, foreign)
    gone = np.random.default_rng(seed + 100).random(len(data.pool)) < FEWER if how == ["fewer"] else []
    missing = set(np.flatnonzero(gone).tolist())
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
        inside, chances = torch.ones(len(data.pool), dtype=torch.bool), None
        rng = torch.Generator().manual_seed(1000 * seed + query)
        if how == ["scope"]:
            inside = in_scope(
                data.pool, data.pool[labeled], data.pool[skipped], least=len(answered) + ASKED, rng=rng
            )
        elif how == ["rejection"] and skipped:
            inside = accepted(data, head, labeled, skipped)
        elif how == ["extra"] and skipped and labeled:
            inside = with_extra_classes(data, labeled, skipped)
        elif how == ["chance"]:
            chances = chance_in_scope(data.pool, data.pool[labeled], data.pool[skipped], rng=rng)
            least = min(len(answered) + ASKED, len(chances))
            inside = chances >= min(EVEN, float(chances.topk(least).values[-1]))
        elif how == ["keep"] and skipped and labeled:
            side, of_labels = sides(data, labeled, skipped, rng)
            inside = side >= of_labels.quantile(1 - KEPT) if len(of_labels) else inside
        if inside.sum() < len(answered) + ASKED:  # of too few, none is left out
            inside[:] = True
        if how == ["weigh"] and skipped and labeled:
            worth = doubts(data, head) * sides(data, labeled, skipped, rng)[0].sigmoid()
            worth[answered] = -1
            asked = worth.topk(ASKED).indices.tolist()
        else:
            view = View(head, data, labeled, strategy.needs)
            closed, view.chances = missing.union(answered), chances
            view.offer([row for row in inside.nonzero().flatten().tolist() if row not in closed])
            asked = [int(image) for image in strategy.query(view, ASKED, rng=rng).ids]
        rows.append((len(labeled), accuracy, float((~foreign[asked]).double().mean()) if asked else 1.0))
        answered += asked
    return rows


def difference(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> str:
    """Mean of paired differences, with half the 95 % interval over seeds."""
    found = paired_difference(one.tolist(), other.tolist())
    ends = "" if found.low is None or found.high is None else f" ± {(found.high - found.low) / 2:.1f}"
    return f"{found.spread.mean:+.1f}{ends}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="+", default=[name for name, _ in SETS])
    parser.add_argument("--shares", type=float, nargs="+", default=list(SHARES))
    parser.add_argument("--arms", nargs="+", default=list(ARMS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    columns = (
        "set, foreign, share, arm, in scope: query 1, 2, 3 to 8, least, labels, accuracy, against clean, "
    )
    columns += "of it budget, choice"
    print(f"| {columns.replace(', ', ' | ')} |\n|{'---|' * 13}", flush=True)
    with args.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        key_names = ["set", "foreign", "share", "arm", "seed", "query"]
        writer.writerow([*key_names, "labels", "accuracy", "in_scope"])
        for name, other, share in ((*pair, s) for pair in SETS for s in args.shares if pair[0] in args.sets):
            found: dict[str, list[list[tuple[int, float, float]]]] = defaultdict(list)
            for seed in range(args.seeds):
                data, foreign = mixed(args.folder, name, other, share, seed)
                for arm in args.arms:
                    rows = run(data, foreign, arm, seed)
                    found[arm].append(rows)
                    key = name, other, share, arm, seed
                    writer.writerows([*key, query, *row] for query, row in enumerate(rows))
                file.flush()
            for arm, runs in found.items():
                table = np.array(runs)  # (seeds, queries, 3)
                scope, ends = table[:, :-1, 2].mean(0), 100 * table[:, -1, 1]
                parts = (scope[0], scope[1], scope[2:].mean(), scope[2:].min())
                clean_runs = np.array(found.get("margin clean", runs))
                base = 100 * clean_runs[:, -1, 1]
                alike = [
                    100 * np.interp(own[-1, 0], *of.T[:2]) for own, of in zip(table, clean_runs, strict=True)
                ]
                shown = [
                    *(f"{part:.0%}" for part in parts),
                    f"{table[:, -1, 0].mean():.0f}",
                    f"{ends.mean():.1f}",
                    difference(ends, base),
                    difference(np.array(alike), base),
                    difference(ends, np.array(alike)),
                ]
                print(f"| {name} | {other} | {share:.0%} | {arm} | {' | '.join(shown)} |", flush=True)


if __name__ == "__main__":
    main()
