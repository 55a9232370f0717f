"""What is compared: changes to one recipe (arms), each run with the same seeds."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from ncenet.compare.data_sets import DataSet, check_sets, folder_named, of_set, slug
from ncenet.errors import RecipeError, UnknownName
from ncenet.recipe import Recipe, dotted
from ncenet.section import Section
from ncenet.strategies.build import ORACLE, for_strategy

SHARED = (
    *("task", "data.train", "data.test", "data.classes", "data.long_tail", "data.on_bad_image"),
    *(
        "loop.held_out",
        "loop.held_out_share",
        "loop.initial",
        "loop.query_size",
        "loop.budget_unit",
        "loop.cycles",
        "loop.seed",
    ),
)
"""Fields that no arm may change: with them, runs of one seed would be of other images or not meet."""


class Arm(Section):
    """One of the things that are compared."""

    name: str = Field(description="What it is called in tables and figures.")
    changes: dict[str, Any] = Field(
        default_factory=dict, description="What it changes in the base recipe, by dotted path."
    )
    seeds: int | None = Field(
        None, ge=1, description="Runs with the first so many seeds only. Default: with all of them."
    )

    @field_validator("changes")
    @classmethod
    def _by_path(cls, changes: dict[str, Any]) -> dict[str, Any]:
        return dotted(changes)

    @property
    def slug(self) -> str:
        """The name as a folder: lower case, with dashes for what a file system may not take.

        >>> Arm(name="NCE rejection, R = 0.5").slug, Arm(name="Rejection-").slug
        ('nce-rejection-r-0.5', 'rejection-')
        """
        return slug(self.name)


class Figures(Section):
    """Which trials the figures that need a model are drawn from, and how large they are."""

    nce: str = Field(
        "", description="Arm with an NCE head. Default: the first that does not query at random."
    )
    softmax: str = Field(
        "", description="Arm with a softmax head. Default: the one with entropy, else the first."
    )
    images: int = Field(10_000, ge=10, description="Random unlabelled images whose information is measured.")
    points: int = Field(1_000, ge=20, description="Images in each t-SNE panel; its time grows with them.")


class Comparison(Section):
    """Arms, seeds, and the recipe that they share.

    >>> comparison = Comparison(
    ...     base=Recipe(),
    ...     arms=[Arm(name="random", changes={"loop.strategy": "random"}), Arm(name="confusion")],
    ...     seeds=[0, 1, 2],
    ... )
    >>> comparison.recipe("random", 2).loop.strategy, comparison.recipe("random", 2).loop.seed
    ('random', 2)
    """

    title: str = Field("", description="What the report is called. Default: the arms and the data.")
    about: str = Field("", description="The question in a sentence or a few; stands below the title.")
    base: Recipe = Field(Recipe(), description="What all arms share.")
    data: tuple[DataSet, ...] = Field(
        (), description="Several data sets, each a comparison of its own. Default: the one that base names."
    )
    arms: tuple[Arm, ...] = Field(min_length=1, description="What is compared.")
    seeds: tuple[int, ...] = Field(
        min_length=1, description="Each arm runs once with each; runs of one seed share their initial set."
    )
    replays: int = Field(
        0,
        ge=0,
        description="Seeds, so many of the first, that each arm runs once more: how far a run is from itself "
        "where training does not repeat to the bit, as on a GPU.",
    )
    baseline: str = Field("", description="Arm that the others are held against. Default: the first.")
    figures: Figures = Field(Figures(), description="The figures that need a model.")

    @model_validator(mode="after")
    def _fits_together(self) -> Comparison:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"a seed stands twice among {', '.join(map(str, self.seeds))}")
        check_sets(self.data, self.base.data)
        try:
            bases = {each.called: each.base(self.base) for each in self.data} or {"": self.base}
        except RecipeError as error:
            raise ValueError(str(error)) from None
        slugs: dict[str, str] = {}
        for arm in self.arms:
            folder = folder_named("arm", arm.name)
            if folder in slugs:
                both = f"{slugs[folder]!r} and {arm.name!r}"
                raise ValueError(f"arms {both} would share the folder {folder!r}: rename one")
            slugs[folder] = arm.name
            for path in arm.changes:
                if any(path == shared or shared.startswith(path + ".") for shared in SHARED):
                    raise ValueError(
                        f"arm {arm.name!r} changes {path}, which all arms must share: set it in base"
                    )
            for name, base in bases.items():
                try:
                    base.with_changes(arm.changes)
                except RecipeError as error:
                    raise ValueError(f"{of_set(name)}arm {arm.name!r}: {error}") from None
        if self.baseline and self.baseline not in slugs.values():
            raise ValueError(f"baseline: {UnknownName('arm', self.baseline, slugs.values())}")
        for name, base in bases.items():
            for head in ("nce", "softmax"):
                self._check_figure_arm(name, base, head, getattr(self.figures, head))
        tasks = {base.task: name for name, base in bases.items()}
        if len(tasks) > 1:
            shown = " and ".join(f"{task} ({of_set(name)[:-2]})" for task, name in tasks.items())
            raise ValueError(f"data sets of different tasks, whose numbers can't be compared: {shown}")
        oracles = {name: self._oracle(name, base) for name, base in bases.items()}
        if len(set(oracles.values())) > 1:
            name, reads = next((name, arm) for name, arm in oracles.items() if arm)
            raise ValueError(f"{of_set(name)}arm {reads!r} is the oracle, and not on all: set it in the arm")
        return self

    def _oracle(self, name: str, base: Recipe) -> str:
        """It says how much there is to gain: one does, and no arm is held against it. Empty without one."""
        oracles = [arm.name for arm in self.arms if base.with_changes(arm.changes).loop.strategy == ORACLE]
        if len(oracles) > 1:
            raise ValueError(f"{of_set(name)}arms {', '.join(map(repr, oracles))} are oracles: leave one")
        if self.baseline_arm in oracles and len(self.arms) > 1:
            raise ValueError(
                f"{of_set(name)}baseline: {self.baseline_arm!r} reads the test accuracy, so no arm is held "
                "against it: name another"
            )
        return "".join(oracles)

    def _check_figure_arm(self, of: str, base: Recipe, head: str, name: str) -> None:
        arm = {arm.name: arm for arm in self.arms}.get(name)
        if name and arm is None:
            raise ValueError(f"figures.{head}: {UnknownName('arm', name, [a.name for a in self.arms])}")
        if arm is not None and base.with_changes(arm.changes).model.head.name != head:
            raise ValueError(f"{of_set(of)}figures.{head}: arm {name!r} has another head")

    @property
    def sets(self) -> dict[str, Comparison]:
        """The comparison on each data set that ``data`` lists, by the name of the set; none without a list.

        >>> both = Comparison(data=["digits", "shapes"], arms=[Arm(name="random")], seeds=[0])
        >>> {name: each.base.data.train for name, each in both.sets.items()}
        {'digits': 'digits', 'shapes': 'shapes'}
        """
        return {
            each.called: self.model_copy(
                update={
                    "base": each.base(self.base),
                    "data": (),
                    "title": f"{self.title}: {each.called}" if self.title else "",
                }
            )
            for each in self.data
        }

    def parts(self, folder: Path) -> dict[str, tuple[Comparison, Path]]:
        """Comparisons of one data set each with their folders, by the name of the set; itself under ``""``.

        Args:
            folder: of the whole.
        """
        of_sets = {name: (part, folder / slug(name)) for name, part in self.sets.items()}
        return of_sets or {"": (self, folder)}

    @property
    def alike(self) -> list[tuple[str, ...]]:
        """Names of arms that have one recipe, together.

        >>> arms = [Arm(name="a"), Arm(name="b"), Arm(name="c", changes={"loop.strategy": "margin"})]
        >>> Comparison(arms=arms, seeds=[0]).alike
        [('a', 'b')]
        """
        names: dict[str, list[str]] = {}
        for arm in self.arms:
            names.setdefault(self.base.with_changes(arm.changes).model_dump_json(), []).append(arm.name)
        return [tuple(group) for group in names.values() if len(group) > 1]

    @property
    def baseline_arm(self) -> str:
        """Name of the arm that the others are held against."""
        return self.baseline or self.arms[0].name

    @property
    def trials(self) -> tuple[tuple[str, int], ...]:
        """Arm and seed of each trial, seed by seed: a comparison that was stopped has pairs to compare."""
        return tuple(
            (arm.name, seed)
            for n, seed in enumerate(self.seeds)
            for arm in self.arms
            if arm.seeds is None or n < arm.seeds
        )

    @property
    def replayed(self) -> tuple[tuple[str, int], ...]:
        """Arm and seed of the trials that run once more."""
        return tuple((arm, seed) for arm, seed in self.trials if seed in self.seeds[: self.replays])

    @classmethod
    def beside(cls, recipe: Recipe, others: Sequence[str], *, seeds: int = 1) -> Comparison:
        """A recipe's strategy beside others, see :func:`ncenet.compare.beside.beside_comparison`.

        >>> [arm.name for arm in Comparison.beside(Recipe(), ["random"], seeds=3).arms]
        ['nce confusion', 'nce random']
        """
        from ncenet.compare.beside import beside_comparison

        return beside_comparison(recipe, others, seeds)

    @classmethod
    def demo(cls) -> Comparison:
        """What ``ncenet demo`` runs: NCE-Net, random and softmax on small digits.

        >>> len(Comparison.demo().arms), len(Comparison.demo().seeds)
        (5, 3)
        """
        with as_file(files("ncenet.compare") / "demo.yaml") as file:
            return cls.load(file)

    def recipe(self, arm: str, seed: int) -> Recipe:
        """The recipe of one trial.

        What the base sets goes to the arms that read it: a radius to those with an NCE head, an option to
        those whose strategy has it.

        Raises:
            UnknownName: no arm is called so.
        """
        return for_strategy(self.base, {**self._arm(arm).changes, "loop.seed": seed})

    def folder(self, arm: str, seed: int, *, again: bool = False) -> Path:
        """Run folder of one trial, or of the same once more, within the folder of the comparison."""
        return Path(self._arm(arm).slug) / (f"seed-{seed}-again" if again else f"seed-{seed}")

    def _arm(self, name: str) -> Arm:
        arms = {arm.name: arm for arm in self.arms}
        if name not in arms:
            raise UnknownName("arm", name, arms)
        return arms[name]
