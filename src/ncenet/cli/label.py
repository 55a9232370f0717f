"""``ncenet label``: people label in the browser, and the model asks for what it needs."""

from __future__ import annotations

import getpass
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number
from pydantic import BaseModel

from ncenet.cli.console import plain_console
from ncenet.cli.flags import changes_of
from ncenet.cli.people import PeopleFlags, first_recipe, folder_of
from ncenet.errors import MissingExtra, UsageError
from ncenet.recipe import Recipe
from ncenet.run.folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ncenet.doors.public import PublicUrl
    from ncenet.run.events import Notify
    from ncenet.run.relink import Relinked
    from ncenet.web.serve import Address

PORT = 8765
EVERYBODY = "\nEverybody who can reach this machine and has the link can see and label the images."
EVERYWHERE = """\
The connection is not encrypted, so use it in networks that you trust; elsewhere leave --host away and go
through an SSH tunnel. On other machines, put the name or address of this one in the place of 127.0.0.1.
"""
UNENCRYPTED = """\
The connection to {origin} is not encrypted: in a network that you don't trust, everybody on the way can read
the link and label.
"""


def label(
    images: str,
    /,
    *others: str,
    out: Path | None = None,
    data: str | None = None,
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(validator=Number(gte=0, lte=65535))] = PORT,
    public_url: str | None = None,
    who: str | None = None,
    overlap: Annotated[int, Parameter(validator=Number(gte=1))] = 1,
    second_look: Annotated[float, Parameter(validator=Number(gte=0, lte=0.5))] = 0.05,
    browser: bool = True,
    flags: Annotated[PeopleFlags | None, Parameter(name="*")] = None,
) -> None:
    """Label images in the browser; a model trains meanwhile and asks for those that teach it most.

    Asks first for random images that measure the model (--held-out), then for a first batch, then for what
    the model is least sure of. Every answer is on disk before the page forgets it. The same command goes on
    where it stopped.

    For example: `ncenet label photos/ --classes cat,dog,other`; without classes the page asks for them.
    Several, such as `ncenet label runs/pets runs/cars`, have a start page that leads to each.

    Args:
        images: Folder of images, Parquet file, CSV manifest or built-in set; or a run folder, to go on there.
        others: Further ones, to be labelled under the same address.
        out: Run folder. Default: runs/IMAGES-labels.
        data: Where the images of a run folder are now, if they were moved: they are found by their bytes.
        host: Address to serve at. Others than this machine's own let everybody with the link label.
        port: Port to serve at; 0 takes a free one.
        public_url: Where a proxy shows the page to others, such as https://label.example.com/pets/.
        who: Name of the annotator, which each window may change. Default: the user's login.
        overlap: How many annotators answer each image; their disagreements are shown.
        second_look: Share of the answers that come up once more, unmarked, as the label looks wrong; 0: none.
        browser: Open the page in the browser.
    """
    try:
        from ncenet.web.offer import offer
        from ncenet.web.serve import check_port, open_project, serve
    except ImportError:
        raise MissingExtra("the labelling page", "web", "10 MB") from None
    from ncenet.cli.progress import bars
    from ncenet.doors.public import PublicUrl

    public = None if public_url is None else PublicUrl.parse(public_url)
    console = plain_console()
    if others and (out is not None or data is not None or changes_of(flags)):
        raise UsageError("several are labelled as they are: leave --out, --data and what is in a recipe away")
    folders = [_folder(each, out) for each in (images, *others)]
    check_port(host, port)  # before the images are looked at, which takes a while
    if data is not None:
        with bars() as show:
            console.print(f"{data}: {_relinked(images, folders[0], data, show)}")
    with ExitStack() as opened:
        projects = []
        for each, folder in zip((images, *others), folders, strict=True):
            recipe, wanted = _recipe(each, folder, flags)
            with bars() as show:
                project = open_project(
                    recipe,
                    folder,
                    you=who or getpass.getuser(),
                    overlap=overlap,
                    second_look=second_look,
                    wanted=wanted,
                    notify=show,
                )
            opened.callback(project.close)
            projects.append(project)
            if differs := offer(wanted, project.ledger.class_names()):
                console.print(
                    f"--classes differs from the classes of {folder}: {differs}. The page offers the change"
                )
            if bad := len(project.ledger.problems()):
                console.print(
                    f"{bad} image(s) can't be read and are left out: {RunFolder(folder).bad_images}"
                )
        serve(*projects, host=host, port=port, public=public, ready=_told(folders, public, browser=browser))


def _told(folders: Sequence[Path], public: PublicUrl | None, *, browser: bool) -> Callable[[Address], None]:
    """What is said, and done, when the page can be opened."""
    console = plain_console()

    def ready(address: Address) -> None:
        if address.everywhere:
            console.print(EVERYBODY, style="bold")
            console.print(EVERYWHERE)
        if public is not None and not public.encrypted:
            console.print(UNENCRYPTED.format(origin=public.origin))
        if address.public is not None:
            console.print(f"Label at  {address.public}")
        console.print(f"{'Label at' if address.public is None else 'or here '}  {address.url}")
        console.print(
            f"Answers go to {', '.join(map(str, folders))}; Ctrl-C stops, the same command goes on."
        )
        if browser:
            import webbrowser

            webbrowser.open(address.file.resolve().as_uri())

    return ready


def _folder(images: str, out: Path | None) -> Path:
    if not RunFolder(Path(images)).recipe.exists():
        return folder_of(images, out)
    if out is not None:
        raise UsageError(f"{images} is a run folder already: leave --out away")
    return Path(images)


def _relinked(images: str, folder: Path, data: str, notify: Notify) -> Relinked:
    from ncenet.run.relink import relink

    if Path(images) != folder:
        raise UsageError("--data finds the images of a run again: name its folder in the place of the images")
    return relink(folder, data, notify=notify)


def _recipe(images: str, folder: Path, flags: BaseModel | None) -> tuple[Recipe, tuple[str, ...]]:
    """That of the folder when it has one, with the flags put in; and classes that were named otherwise."""
    files = RunFolder(folder)
    if not files.recipe.exists():
        return first_recipe(images, flags), ()
    from ncenet.data.open import is_there
    from ncenet.run.recipe_record import is_begun

    recipe, changes, wanted = Recipe.load(files.recipe), changes_of(flags), ()
    if Path(images) != folder:
        recipe = recipe.with_changes({"data.train": images})
    elif not is_there(recipe.data.train):
        raise UsageError(
            f"{recipe.data.train}: the images of {folder} are not there any more; if they were moved, "
            f"ncenet label {folder} --data FOLDER finds them by their bytes"
        )
    if is_begun(files):
        wanted = changes.pop("data.classes", ())
    # The classes that a run was begun with are no others: it changes them as everybody does who labels.
    return recipe.with_changes(changes), () if wanted == recipe.data.classes else wanted
