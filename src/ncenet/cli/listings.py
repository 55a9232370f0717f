"""``ncenet strategies`` and ``ncenet datasets``: what there is to choose from."""

from __future__ import annotations

import json
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

JsonFlag = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON.")]


def strategies(*, json_output: JsonFlag = False) -> None:
    """List the query strategies, built-in and from plug-ins."""
    from ncenet.strategies import strategies as registry

    rows = [
        {"name": name, "needs": ", ".join(sorted(factory().needs)), "what": _summary(factory)}
        for name, factory in registry
    ]
    _print(rows, json_output)


def datasets(*, json_output: JsonFlag = False) -> None:
    """List the built-in data sets. Those that must be downloaded are fetched on first use."""
    from ncenet.data.builtin import describe_all

    _print(describe_all(), json_output)


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
    Console().print(table)
