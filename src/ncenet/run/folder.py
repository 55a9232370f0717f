"""The run folder: where everything that a run leaves behind has its place.

::

    run/
    ├── ledger.sqlite           items, answers, cycles, queries: the truth
    ├── recipe.yaml             what was asked for
    ├── bad_images.csv          images that could not be read or are annotated wrongly, with the reason
    ├── duplicates.csv          images of pool and test set whose bytes are the same
    ├── looks-pool.csv          what a look at each image found: what has not changed is not decoded again
    ├── events.jsonl            what happened when
    ├── .lock, .label.lock      by which those know of each other who train, and who serve the page
    └── cycles/001/
        ├── model.safetensors   the network after the fit
        ├── fit.json            how the fit went
        ├── test.json           accuracy (or mAP) on the held-out images, when there are any
        ├── test.csv            id, label and prediction of each of them
        ├── detections.csv      with boxes, what was found in them instead
        ├── pictures/           with boxes, a few small pictures of that and of the query
        ├── query.json          who was asked for what, and how long that took
        ├── why.json            why each queried image was, for the labelling page
        └── query.csv           rank, id and score of each queried image

Every file is written under a temporary name and renamed, so it is there whole or not at all.
"""

from __future__ import annotations

from pathlib import Path

from ncenet.errors import DataError, RecipeError
from ncenet.files import cycle_folder
from ncenet.recipe import Recipe
from ncenet.run.recipe_file import keep
from ncenet.section import flat


class RunFolder:
    """Paths and files of one run; nothing is made before something is written.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def ledger(self) -> Path:
        """File of the ledger."""
        return self.path / "ledger.sqlite"

    @property
    def recipe(self) -> Path:
        """File of the recipe."""
        return self.path / "recipe.yaml"

    @property
    def bad_images(self) -> Path:
        """Table of the images that cannot be read."""
        return self.path / "bad_images.csv"

    @property
    def duplicates(self) -> Path:
        """Table of the images whose bytes are the same."""
        return self.path / "duplicates.csv"

    def looks(self, place: str) -> Path:
        """File of what looks at the images of a place, ``"pool"`` or ``"test"``, found."""
        return self.path / f"looks-{place}.csv"

    def cycle(self, cycle: int) -> Path:
        """Folder of a cycle, made by whoever writes the first file of the cycle."""
        return cycle_folder(self.path, cycle)

    def models(self) -> list[Path]:
        """Files of the models that are there, by cycle."""
        files = filter(_numbered, self.path.glob("cycles/*/model.safetensors"))
        return sorted(files, key=lambda file: int(file.parent.name))

    def last_model(self, fitted: int = 0) -> Path | None:
        """The model of the last cycle that was trained; None when there is none.

        Args:
            fitted: the last cycle whose fit the ledger knows as finished; 0 when it isn't asked.

        Raises:
            DataError: that file is missing. The model before is another, and doesn't take its place unasked.
        """
        models = {int(file.parent.name): file for file in self.models()}
        fits = [int(file.parent.name) for file in self.path.glob("cycles/*/fit.json") if _numbered(file)]
        last = max([*models, *fits, fitted], default=0)
        if last and last not in models:
            earlier = f", or name an earlier one: {models[max(models)]}" if models else ""
            raise DataError(
                f"{self.cycle(last) / 'model.safetensors'}: the model of the last cycle is missing: restore "
                f"it{earlier}"
            )
        return models.get(last)

    def keep_recipe(self, recipe: Recipe) -> None:
        """Write the recipe, with comments; a file that says the same is left as it is.

        Raises:
            RecipeError: as :meth:`check_recipe`.
        """
        self.check_recipe(recipe)
        keep(self.recipe, recipe)

    def check_recipe(self, recipe: Recipe) -> None:
        """Make sure that the folder is new or was made with the same recipe.

        ``loop.cycles`` may grow, which continues the run, and what cannot change an outcome may differ.

        Raises:
            RecipeError: another run lives here; names the fields that differ.
        """
        if not self.recipe.exists():
            return
        old, new = (
            flat(Recipe.load(self.recipe).model_dump(mode="json")),
            flat(recipe.model_dump(mode="json")),
        )
        free = {"loop.cycles", "train.checkpoint_seconds", "data.workers", "data.cache_gb"}
        differing = sorted(k for k in old.keys() | new.keys() if old.get(k) != new.get(k) and k not in free)
        if differing:
            shown = "\n".join(f"  {k}: {old.get(k)!r} there, {new.get(k)!r} now" for k in differing)
            raise RecipeError(
                f"{self.path} holds a run with another recipe:\n{shown}\n"
                "choose another folder, or the same recipe"
            )


def _numbered(file: Path) -> bool:
    """Whether a file is in the folder of a cycle, and not in a copy that somebody keeps beside it."""
    return file.parent.name.isdecimal()
