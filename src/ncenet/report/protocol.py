"""What must be stated with every number: how it was measured, read from the recipes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ncenet.compare.comparison import Comparison
from ncenet.counts import count_of
from ncenet.recipe import OWN, LoopRecipe, Recipe
from ncenet.strategies.options import ScoreOptions, score_options


def protocol_of_comparison(comparison: Comparison, used_up: int | None = None) -> dict[str, str]:
    """What must be stated with every number of a comparison, by subject.

    Args:
        comparison: what was asked for.
        used_up: labels with which the pool ended before the last cycle. Default: it didn't.
    """
    recipes = {arm.name: comparison.recipe(arm.name, comparison.seeds[0]) for arm in comparison.arms}
    initial = {arm: _initial(recipe) for arm, recipe in recipes.items()}
    arms = "arms" if len(set(initial.values())) == 1 else "these arms"
    return _facts(recipes, used_up) | {
        "Initial set": f"{_agreed(initial)}, the same for all {arms} of a seed",
        "Seeds": _seeds(comparison),
        "Mean over cycles": "each cycle counts the same; all but the area under the learning curve",
        "±": "standard deviation over seeds",
        "Intervals": "95 %, Student's t on differences paired by seed. Each stands alone: of many arms that "
        "are all the same, one in twenty comes out as better or worse",
    }


def protocol_of_run(recipe: Recipe, used_up: int | None = None) -> dict[str, str]:
    """What must be stated with every number of a run, by subject; arguments as those of a comparison."""
    return _facts({"": recipe}, used_up) | {
        "Initial set": _initial(recipe),
        "Seeds": f"{recipe.loop.seed} (a single run)",
    }


def _facts(recipes: Mapping[str, Recipe], used_up: int | None) -> dict[str, str]:
    facts: dict[str, Callable[[Recipe], str]] = {
        "Images": _images,
        "Network": _network,
        "Query strategy": _strategy,
        "Labels": lambda r: (
            f"{r.loop.initial:,} in the first cycle{_more(r.loop)}"
            + ("" if used_up is None else f", but the pool was used up with {used_up:,}")
            + (_BOXES if r.loop.budget_unit == "box" else "")
        ),
        "Weights": lambda r: (
            "carried over between cycles (warm)" if r.train.warm else "reset before every cycle (cold)"
        ),
        "Training": _training,
        "Tested network": lambda r: (
            f"the one of {'the end' if r.fits_head else 'the last epoch'}; no checkpoint is chosen on the "
            "test images"
        ),
        "Pool": lambda r: (
            "scored whole"
            if r.loop.pool_subset is None
            else f"a fresh random subset of {r.loop.pool_subset:,} is scored in each cycle"
        ),
        "Scoring": lambda r: "under the test transform, without augmentation",
    }
    if all(r.task == "detection" for r in recipes.values()):
        facts |= {"Score of an image": _aggregation, "Metric": lambda r: _MAP}
    return {subject: _agreed({arm: fact(r) for arm, r in recipes.items()}) for subject, fact in facts.items()}


_BOXES = (
    "; boxes are counted, an image without any as one, and the last image of a query may take it beyond its "
    "budget, which the next query makes up for"
)
_MAP = (
    "mAP of PASCAL VOC 2007: mean over classes of the 11-point average precision, found above an overlap of "
    "one half, difficult objects ignored; the area under the curve stands beside it in the record of the test"
)


def _seeds(comparison: Comparison) -> str:
    """The seeds, and which arms ran with fewer."""
    n = len(comparison.seeds)
    each = f"{n} {'run' if n == 1 else 'runs'} of each arm"
    fewer = [
        f"{arm.seeds} of {arm.name}" for arm in comparison.arms if arm.seeds is not None and arm.seeds < n
    ]
    return f"{', '.join(map(str, comparison.seeds))} ({each}{', but ' if fewer else ''}{', '.join(fewer)})"


def _more(loop: LoopRecipe) -> str:
    """How many labels the later cycles bring."""
    if loop.cycles <= 2:
        return f", {loop.query_size:,} more in the second" * (loop.cycles - 1)
    return f", {loop.query_size:,} more in each of the {loop.cycles - 1} that follow"


def _training(recipe: Recipe) -> str:
    if recipe.fits_head:
        return "the head alone, of all labels at once, until it settles (L-BFGS)"
    train = recipe.train
    steps = f"at least {count_of(train.min_steps, 'step')}, of {count_of(train.batch_size, 'image')}"
    return f"{count_of(train.epochs, 'epoch')}, {steps}"


def _network(recipe: Recipe) -> str:
    model = recipe.model
    alone = recipe.on_vectors and model.backbone == "identity"
    said = ("" if alone else f"{model.backbone}, ") + f"{model.head.name} head"
    if model.features is None:
        return said
    weights = "" if model.weights is None else f" with the weights {model.weights}"
    framing = "" if model.framing is None else f" (framing {model.framing})"
    if model.features == OWN:
        return f"{said} on vectors"
    features = f"features {model.features}{weights}{framing}"
    if not recipe.on_vectors:
        return f"{said}; images are chosen by {features}"
    return f"{features}, {said}"


def _initial(recipe: Recipe) -> str:
    loop = recipe.loop
    what = {"random": "random", "typical": "typical (TypiClust)", "herding": "herded"}[loop.first]
    if loop.budget_unit == "box":
        return f"{what} images until they have {count_of(loop.initial, 'box', 'boxes')}"
    return count_of(loop.initial, f"{what} image")


def _strategy(recipe: Recipe) -> str:
    loop, spread = recipe.loop, score_options(recipe.loop)
    said = loop.strategy
    if spread.diversify != "none":
        said += (
            f", spread by {spread.diversify} over the {spread.diversify_factor * loop.query_size:,} images "
            "with the highest scores"
        )
    own = {name: value for name, value in loop.options.items() if name not in ScoreOptions.model_fields}
    return said + "".join(f", {name} {value}" for name, value in own.items())


def _aggregation(recipe: Recipe) -> str:
    said = score_options(recipe.loop)
    how, k = said.aggregate, said.aggregate_k
    return {
        "mean": "mean of the scores of all anchors",
        "top-k": f"mean of the {k:,} highest scores of anchors",
        "max": "highest score of an anchor",
        "nms-sum": "sum of the scores of the anchors that survive non-maximum suppression",
        "nms-mean": "mean of the scores of the anchors that survive non-maximum suppression",
    }[how]


def _agreed(by_arm: Mapping[str, str]) -> str:
    """One fact if all arms share it, else each with the arms that it holds for."""
    arms: dict[str, list[str]] = {}
    for arm, fact in by_arm.items():
        arms.setdefault(fact, []).append(arm)
    if len(arms) == 1:
        return next(iter(arms))
    return "; ".join(f"{fact} ({', '.join(names)})" for fact, names in arms.items())


def _images(recipe: Recipe) -> str:
    data = recipe.data
    tail = "" if data.long_tail is None else f", thinned to a long tail of 1 in {data.long_tail:g}"
    return f"{data.train}{tail}, tested on {data.test or 'its own held-out images'}"
