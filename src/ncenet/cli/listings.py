"""``ncenet strategies`` and ``ncenet datasets``: what there is to choose from."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.table import Table

from ncenet.cli.console import plain_console

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

    if download is not None:
        from ncenet.data.open import open_dataset

        registry.get(download)  # a path is no name
        open_dataset(download, download=True, task=None)
        plain_console(stderr=True).print(f"{download} is on this machine now")
        return
    _print([row for _, row in registry.each(lambda make: _set_row(make()))], json_output)


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
    from ncenet.strategies import strategies as registry
    from ncenet.strategies.options import options_of

    factory = registry.get(name)
    options = [
        {"option": option, "default": str(field.default), "what": field.description or ""}
        for option, field in registry.use(name, options_of).model_fields.items()
    ]
    text = inspect.getdoc(factory) or ""
    if as_json:
        print(json.dumps({"name": name, "what": text, "options": options}, indent=1))
        return
    console = plain_console()
    console.print(text.partition("\n\nArgs:")[0])
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
