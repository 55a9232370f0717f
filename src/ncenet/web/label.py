"""Labelling in the browser, from a folder of images or a run to a page that is served until it is stopped."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ncenet.console import plain_console
from ncenet.counts import count_of
from ncenet.data.open import is_there
from ncenet.doors.public import PublicUrl
from ncenet.errors import MissingExtra, UsageError
from ncenet.progress import Onlooker, Watch
from ncenet.recipe import Recipe
from ncenet.run.folder import RunFolder
from ncenet.run.people import first_recipe, folder_of
from ncenet.run.recipe_record import is_begun
from ncenet.run.relink import relink

if TYPE_CHECKING:
    from ncenet.web.serve import Address

PORT = 8765
SHOWN = 10
"""Classes that are named in a line (ours)."""
EVERYBODY = "\nEverybody who can reach this machine and has the link can see and label the images."
EVERYWHERE = """\
The connection is not encrypted, so use it in networks that you trust; elsewhere leave `host` away and go
through an SSH tunnel. On other machines, put the name or address of this one in the place of 127.0.0.1.
"""
UNENCRYPTED = """\
The connection to {origin} is not encrypted: in a network that you don't trust, everybody on the way can read
the link and label.
"""


def label(
    images: str | PathLike[str],
    *others: str | PathLike[str],
    out: str | PathLike[str] | None = None,
    classes: Sequence[str] | None = None,
    recipe: Mapping[str, Any] | None = None,
    data: str | PathLike[str] | None = None,
    host: str = "127.0.0.1",
    port: int = PORT,
    public_url: str | None = None,
    who: str | None = None,
    overlap: int = 1,
    second_look: float = 0.05,
    control_share: float = 0.0,
    browser: bool = True,
    ready: Callable[[Address], None] | None = None,
    say: Callable[[str], None] | None = None,
    notify: Watch = None,
) -> None:
    """Label images in the browser; a model trains meanwhile and asks for those that teach it most.

    It serves until it is interrupted; called again, it goes on where it stopped.

    Args:
        images: folder of images, Parquet file, CSV manifest or built-in set; or a run folder, to go on there.
        others: further ones, to be labelled under the same address.
        out: run folder. Default: ``runs/IMAGES-labels``.
        classes: what the images may show. Default: the page asks for them.
        recipe: what else is wanted of a run, by dotted path. A run that begins has small batches and 50
            images that measure the model, and learns photographs on pretrained features where they are
            installed.
        data: where the images of a run folder are now, if they were moved: they are found by their bytes.
        host: address to serve at. Others than this machine's own let everybody with the link label.
        port: port to serve at; 0 takes a free one.
        public_url: where a proxy shows the page to others, such as ``https://label.example.com/pets/``.
        who: name of the annotator, which each window may change. Default: the user's login.
        overlap: how many annotators answer each image.
        second_look: share of the answers that come up once more, as the label looks wrong; 0: none.
        control_share: share of the answers that go to images drawn at random, to tell sooner whether choosing
            is worth it.
        browser: open the page in the browser.
        ready: told where the page is, once it can be opened.
        say: takes what people should know, a line or some at a time. Default: it is printed.
        notify: told of the progress until then. Default: it is shown; False: it is not.

    Raises:
        UsageError: the images are not there, the address can't be had, or another page serves this run.
        MissingExtra: the extra ``web`` is not installed.

    >>> import ncenet
    >>> ncenet.label("nowhere")
    Traceback (most recent call last):
    ...
    ncenet.errors.UsageError: nowhere: no built-in data set of this name, ...
    """
    try:
        from ncenet.web.offer import offer
        from ncenet.web.serve import check_port, open_project, serve
    except ImportError:
        raise MissingExtra("the labelling page", "web", "10 MB") from None
    say = plain_console(stderr=True).print if say is None else say
    changes = dict(recipe or {}) | ({} if classes is None else {"data.classes": tuple(classes)})
    if others and (out is not None or data is not None or changes):
        raise UsageError("several are labelled as they are: leave `out`, `data` and what is in a recipe away")
    public = None if public_url is None else PublicUrl.parse(public_url)
    sources = [str(each) for each in (images, *others)]
    folders = [_folder(each, out) for each in sources]
    check_port(host, port)  # before the images are looked at, which takes a while
    onlooker = Onlooker(notify)
    if data is not None:
        if Path(images) != folders[0]:
            raise UsageError(
                "`data` finds the images of a run again: name its folder in the place of the images"
            )
        with onlooker.at_work() as show:
            say(f"{data}: {relink(folders[0], str(data), notify=show)}")
    with ExitStack() as opened:
        projects = []
        for source, place in zip(sources, folders, strict=True):
            whole, wanted = _recipe(source, place, changes, say)
            begins = not is_begun(RunFolder(place))
            with onlooker.at_work() as show:
                project = open_project(
                    whole,
                    place,
                    you=who or getpass.getuser(),
                    overlap=overlap,
                    second_look=second_look,
                    control=control_share,
                    wanted=wanted,
                    notify=show,
                )
            opened.callback(project.close)
            projects.append(project)
            names = project.ledger.class_names()
            if names and begins and not whole.data.classes:  # later they are what people made of them
                few = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
                many = count_of(len(names), "class", "classes")
                told = f"{many}, by the names of folders or as the data has them"
                say(f"{told}: {few}; # on the page changes them")
            if differs := offer(wanted, project.ledger.class_names()):
                say(f"`classes` differs from the classes of {place}: {differs}. The page offers the change")
            if not begins and (bad := len(project.ledger.problems())):  # a run that begins has told it
                say(f"{count_of(bad, 'image')} can't be used, left out: {RunFolder(place).bad_images}")

        def served(address: Address) -> None:
            _announce(address, folders, public, say)
            if browser:
                import webbrowser

                webbrowser.open(address.file.resolve().as_uri())
            if ready is not None:
                ready(address)

        serve(*projects, host=host, port=port, public=public, ready=served)


def _announce(
    address: Address, folders: Sequence[Path], public: PublicUrl | None, say: Callable[[str], None]
) -> None:
    """Say where the page is, and who can reach it."""
    if address.everywhere:
        say(EVERYBODY)
        say(EVERYWHERE)
    if public is not None and not public.encrypted:
        say(UNENCRYPTED.format(origin=public.origin))
    if address.public is not None:
        say(f"Label at  {address.public}")
    say(f"{'Label at' if address.public is None else 'or here '}  {address.url}")
    say(f"Answers go to {', '.join(map(str, folders))}; Ctrl-C stops, the same command goes on.")


def _folder(images: str, out: str | PathLike[str] | None) -> Path:
    if not RunFolder(Path(images)).recipe.exists():
        return folder_of(images, None if out is None else Path(out))
    if out is not None:
        raise UsageError(f"{images} is a run folder already: leave `out` away")
    return Path(images)


def _recipe(
    images: str, folder: Path, changes: Mapping[str, Any], say: Callable[[str], None]
) -> tuple[Recipe, tuple[str, ...]]:
    """That of the folder when it has one, with the changes put in; and classes that were named otherwise."""
    files = RunFolder(folder)
    if not files.recipe.exists():
        return first_recipe(images, changes, say), ()
    recipe, changes, wanted = Recipe.load(files.recipe), dict(changes), ()
    if Path(images) != folder:
        recipe = recipe.with_changes({"data.train": images})
    elif not is_there(recipe.data.train):
        raise UsageError(
            f"{recipe.data.train}: the images of {folder} are not there any more; if they were moved, name "
            "their folder as `data`, and they are found by their bytes"
        )
    if is_begun(files):
        wanted = changes.pop("data.classes", ())
    # The classes that a run was begun with are no others: it changes them as everybody does who labels.
    return recipe.with_changes(changes), () if wanted == recipe.data.classes else wanted
