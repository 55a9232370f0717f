"""``ncenet doctor``: what this machine offers, and what is missing."""

from __future__ import annotations

import json

from ncenet.cli.listings import JsonFlag
from ncenet.console import plain_console


def doctor(*, json_output: JsonFlag = False) -> None:
    """Show versions, devices, memory and optional parts; attach this to a bug report."""
    from ncenet.api.doctor import doctor as facts_of

    facts = facts_of()
    if json_output:
        print(json.dumps(facts, indent=1))
        return
    console = plain_console()
    for name, value in facts.items():
        console.print(f"{name:<18}", style="bold", end=" ")
        console.print(value)
