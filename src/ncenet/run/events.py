"""How a long job tells what happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Notify: TypeAlias = Callable[[Mapping[str, Any]], None]
"""Told of each event, a mapping; ``"event"`` in it names the kind: ``"scan"``, ``"query"``, ``"cycle"``."""
