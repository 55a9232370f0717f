"""``ncenet strategies`` and ``ncenet datasets``: what there is to choose from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.table import Table

from ncenet.console import plain_console

if TYPE_CHECKING:
    from ncenet.data.builtin import BuiltinSet

JsonFlag = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON.")]


def strategies(name: str | None = None, /, *, json_output: JsonFlag = False) -> None:
    """List the query strategies, built-in and from plug-ins, or one with its options.

    For example:

    `ncenet strategies vaal`

    `ncenet simulate digits --strategy vaal --option steps=100`

    Args:
        name: A strategy: what it does, and the options that --option and `loop.options` may name.
    """
    from ncenet.strategies import strategies as registry

    if name is not None:
        _print_strategy(name, json_output)
        return
    rows = [
        {"name": name, "needs": needs, "what": what}
        for name, (needs, what) in registry.each(
            lambda make: (", ".join(sorted(make().needs)), _summary(make)),
        )
    ]
    _print(rows, json_output)


def datasets(*, download: str | None = None, json_output: JsonFlag = False) -> None:
    """List the built-in data sets, or download one.

    Args:
        download: Name of a set to fetch into the cache; nothing else in ncenet uses the network unasked.
    """
    from ncenet.data.builtin import datasets as registry
    from ncenet.data.dataset import Dataset

    if download is not None:
        registry.get(download)  # a path is no name
        Dataset.open(download, download=True, task=None)
        plain_console(stderr=True).print(f"{download} is on this machine now")
        return
    _print([_set_row(described) for described in Dataset.builtin().values()], json_output)


def _set_row(described: BuiltinSet) -> dict[str, str]:
    return {
        "name": described.name,
        "images": f"{described.images[0]:,} + {described.images[1]:,} test",
        "classes": str(described.classes),
        "download": f"{described.download_mb} MB" if described.download_mb else "none",
        "what": described.description,
        "licence": described.licence,
    }


def _print_strategy(name: str, as_json: bool) -> None:
    from ncenet.strategies import describe

    found = describe(name)
    options = [
        {"option": option, "default": default, "what": what}
        for option, (default, what) in found.options.items()
    ]
    if as_json:
        print(json.dumps({"name": name, "what": found.what, "options": options}, indent=1))
        return
    console = plain_console()
    console.print(found.what)
    if options:
        console.print()
        _print(options, as_json=False)


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
