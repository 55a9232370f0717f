"""``ncenet label``: people label in the browser, and the model asks for what it needs."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.console import Console

from ncenet.cli.flags import RecipeFlags, apply_flags
from ncenet.errors import MissingExtra, UsageError
from ncenet.recipe import Recipe

PORT = 8765
HELD_OUT = 50
FIRST_BATCH = 25
EVERYWHERE = """
[bold]Everybody who can reach this machine and has the link can see and label the images.[/]
The connection is not encrypted, so use it in networks that you trust; elsewhere leave --host away and go
through an SSH tunnel. On other machines, put the name or address of this one in the place of 127.0.0.1.
"""
PER_CLASS = 5
"""The first batch holds so many images for each class, when there are many classes."""


def label(
    images: str,
    /,
    *,
    out: Path | None = None,
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(validator=Number(gte=0, lte=65535))] = PORT,
    who: str | None = None,
    overlap: Annotated[int, Parameter(validator=Number(gte=1))] = 1,
    browser: bool = True,
    flags: Annotated[RecipeFlags | None, Parameter(name="*")] = None,
) -> None:
    """Label images in the browser; a model trains meanwhile and asks for those that teach it most.

    Asks first for random images that measure the model (--held-out), then for a first batch, then for what
    the model is least sure of. Every answer is on disk before the page forgets it. The same command goes on
    where it stopped.

    For example: `ncenet label photos/ --classes cat,dog,other`

    Args:
        images: Folder of images, Parquet file, CSV manifest or built-in set; or a run folder, to go on there.
        out: Run folder. Default: runs/IMAGES-labels.
        host: Address to serve at. Others than this machine's own let everybody with the link label.
        port: Port to serve at; 0 takes a free one.
        who: Name of the annotator, which each window may change. Default: the user's login.
        overlap: How many annotators answer each image; their disagreements are shown.
        browser: Open the page in the browser.
    """
    try:
        from ncenet.web.serve import Address, open_project, serve
    except ImportError:
        raise MissingExtra("the labelling page", "web", "10 MB") from None
    from ncenet.cli.progress import bars

    folder = _folder(images, out)
    recipe = _recipe(images, folder, flags)
    console = Console(soft_wrap=True, highlight=False)
    with bars() as show:
        project = open_project(recipe, folder, you=who or getpass.getuser(), overlap=overlap, notify=show)
    bad = len(project.ledger.problems())
    if bad:
        console.print(f"{bad} image(s) can't be read and are left out: {folder / 'bad_images.csv'}")

    def ready(address: Address) -> None:
        if address.everywhere:
            console.print(EVERYWHERE)
        console.print(f"Label at  {address.url}")
        console.print(f"Answers go to {folder}; Ctrl-C stops, the same command goes on.")
        if browser:
            import webbrowser

            webbrowser.open(address.url)

    try:
        serve(project, host=host, port=port, ready=ready)
    finally:
        project.close()


def _folder(images: str, out: Path | None) -> Path:
    path = Path(images)
    if (path / "recipe.yaml").exists() and (path / "ledger.sqlite").exists():
        if out is not None:
            raise UsageError(f"{images} is a run folder already: leave --out away")
        return path
    return out or Path("runs") / f"{path.resolve().stem or 'images'}-labels"


def _recipe(images: str, folder: Path, flags: object) -> Recipe:
    """That of the folder when it has one, with the flags put in."""
    file = folder / "recipe.yaml"
    if file.exists():
        recipe = Recipe.load(file)
        if Path(images) != folder:
            recipe = recipe.with_changes({"data.train": images})
        return apply_flags(recipe, flags)  # type: ignore[arg-type]
    recipe = Recipe().with_changes({"data.train": images, "data.on_bad_image": "skip"})
    named = apply_flags(recipe, flags)  # type: ignore[arg-type]
    sizes = {
        "loop.held_out": 0 if named.data.test is not None else HELD_OUT,
        "loop.initial": max(FIRST_BATCH, PER_CLASS * len(named.data.classes)),
        "loop.query_size": FIRST_BATCH,
    }
    return apply_flags(recipe.with_changes(sizes), flags)  # type: ignore[arg-type]
