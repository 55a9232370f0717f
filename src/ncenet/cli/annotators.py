"""``ncenet annotators``: links to the page of a run, one for each annotator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.table import Table

from ncenet.console import plain_console


def annotators(
    folder: Path,
    /,
    *,
    add: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = (),
    revoke: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = (),
    public_url: str | None = None,
    json_output: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Make links by which annotators open the page of a run in their own name, and revoke them.

    What is answered through a link is recorded under its name, whatever the page says. A link is shown once,
    for on the disk there is only a digest of it. One that is revoked opens nothing from that moment on, also
    in pages that are open; the answers that came by it stay.

    For example:

    `ncenet annotators runs/pets --add anna --add ben`

    `ncenet annotators runs/pets --revoke anna`

    Args:
        folder: Run folder.
        add: Name of an annotator who gets a link; again for more.
        revoke: Name of an annotator whose link is to open nothing any more; again for more.
        public_url: What links begin with. Default: where `ncenet label` served the page last.
        json_output: Print JSON.
    """
    from ncenet.doors.annotators import Annotators
    from ncenet.doors.public import begin_of_links, link_to
    from ncenet.run.folder import RunFolder
    from ncenet.run.page import check_page
    from ncenet.run.recipe_record import load_recipe

    files = RunFolder(folder)
    recipe = load_recipe(files)  # no links into a folder that holds no run
    if add:
        check_page(recipe)
    people = Annotators(folder)
    begin, known = begin_of_links(files.page_address, public_url)
    if revoke:
        people.revoke(revoke)
    keys = people.add(add) if add else {}
    made = {name: link_to(begin, key) for name, key in keys.items()}
    rows = [link.model_dump(mode="json", exclude={"digest"}) for link in people.links()]
    if json_output:
        print(json.dumps({"links": made, "annotators": rows}, indent=1))
        return
    console = plain_console()
    for name, link in made.items():
        console.print(f"{name}  {link}", soft_wrap=True)
    if made and not known:
        console.print("The page was not served yet: links begin with its address then")
    if made:
        return
    if not rows:
        console.print(f"{folder}: no links yet; --add NAME makes one")
        return
    table = Table("annotator", "link since", "revoked", box=None, pad_edge=False)
    for row in rows:
        table.add_row(row["name"], _moment(row["added"]), _moment(row["revoked"]))
    console.print(table)


def _moment(at: str | None) -> str:
    return "" if at is None else at.replace("T", " ")[:16] + " UTC"
