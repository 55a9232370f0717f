"""``ncenet label``: people label in the browser, and the model asks for what it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from ncenet.cli.flags import as_typed, changes_of
from ncenet.cli.people import PeopleFlags
from ncenet.console import plain_console

PORT = 8765


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
    control_share: Annotated[float, Parameter(validator=Number(gte=0, lte=0.5))] = 0.0,
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
        control_share: Share of the answers that go to images drawn at random, to tell sooner whether choosing
            is worth it.
        browser: Open the page in the browser.
    """
    from ncenet.web.label import label as serve

    console = plain_console()
    serve(
        images,
        *others,
        out=out,
        recipe=changes_of(flags),
        data=data,
        host=host,
        port=port,
        public_url=public_url,
        who=who,
        overlap=overlap,
        second_look=second_look,
        control_share=control_share,
        browser=browser,
        say=lambda text: console.print(as_typed(text)),
    )
