"""``ncenet strategies`` and ``ncenet datasets``: what there is to choose from."""

from __future__ import annotations

import json
from typing import Annotated

from cyclopts import Parameter
from rich.table import Table

from ncenet.cli.console import plain_console

JsonFlag = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON.")]


def strategies(*, json_output: JsonFlag = False) -> None:
    """List the query strategies, built-in and from plug-ins."""
    from ncenet.strategies import strategies as registry

    rows = [
        {"name": name, "needs": ", ".join(sorted(factory().needs)), "what": _summary(factory)}
        for name, factory in registry
    ]
    _print(rows, json_output)


def datasets(*, download: str | None = None, json_output: JsonFlag = False) -> None:
    """List the built-in data sets, or download one.

    Args:
        download: Name of a set to fetch into the cache; nothing else in ncenet uses the network unasked.
    """
    from ncenet.data.builtin import datasets as registry

    if download is not None:
        from ncenet.data.open import open_dataset

        registry.get(download)  # a path is no name
        open_dataset(download, download=True, task=None)
        plain_console(stderr=True).print(f"{download} is on this machine now")
        return
    sets = [factory() for _, factory in registry]
    rows = [
        {
            "name": each.name,
            "images": f"{each.images[0]:,} + {each.images[1]:,} test",
            "classes": str(each.classes),
            "download": f"{each.download_mb} MB" if each.download_mb else "none",
            "what": each.description,
            "licence": each.licence,
        }
        for each in sets
    ]
    _print(rows, json_output)


def _summary(factory: object) -> str:
    return (factory.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")


def _print(rows: list[dict[str, str]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    table = Table(box=None, pad_edge=False)
    for column in rows[0]:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row.values())
    plain_console(wrap=True).print(table)
