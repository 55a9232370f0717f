"""Where trials run: processes on this machine, or a Ray cluster.

An engine is a function such as :func:`ncenet.engines.local.map_trials`. It enters by being a module of this
package, one of a plug-in by an entry point of the group ``ncenet.engines``.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from ncenet.registry import Registry

engines: Registry[Generator[tuple[str, Any], None, None]] = Registry(
    "engine", package="ncenet.engines", group="ncenet.engines"
)
"""Functions that run another on many jobs, as :func:`ncenet.engines.local.map_trials` does."""
