"""What this machine offers, and what is missing."""

from __future__ import annotations

import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

from packaging.requirements import Requirement

import ncenet
from ncenet.cores import available_cores

_NOT_FOR_USERS = {"all", "docs", "bench", "dev"}


def doctor() -> dict[str, str]:
    """Versions, devices, memory and optional parts; attach this to a bug report.

    >>> import ncenet
    >>> ncenet.doctor()["ncenet"] == ncenet.__version__
    True
    """
    import torch

    facts = {
        "ncenet": ncenet.__version__,
        "python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        **{name: _version(name) for name in ("torch", "torchvision", "accelerate", "numpy", "pillow")},
        "cpu": f"{available_cores()} cores, {torch.get_num_threads()} torch threads",
        "memory": _memory(),
        "gpu": _gpu(),
        "free disk here": f"{shutil.disk_usage(Path.cwd()).free / 1e9:.0f} GB",
    }
    for extra, parts in _extras().items():
        there = [_version(part) for part in parts]
        facts[f"extra {extra}"] = (
            ", ".join(f"{part} {found}" for part, found in zip(parts, there, strict=True))
            if "not installed" not in there
            else f"not installed: pip install 'ncenet[{extra}]'"
        )
    return facts


def _extras() -> dict[str, list[str]]:
    """The distributions of each optional part on this machine, as the package itself says."""
    brought = metadata("ncenet").get_all("Provides-Extra") or []
    parts: dict[str, list[str]] = {extra: [] for extra in brought if extra not in _NOT_FOR_USERS}
    for needed in map(Requirement, requires("ncenet") or []):
        when = needed.marker
        if when is None or needed.name == "ncenet" or when.evaluate({"extra": ""}):
            continue
        for extra in parts:
            if when.evaluate({"extra": extra}):
                parts[extra].append(needed.name)
    return parts


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _memory() -> str:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return "unknown"
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def _gpu() -> str:
    import torch

    if torch.cuda.is_available():
        return ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
    if torch.backends.mps.is_available():
        return "Apple MPS"
    return "none: training runs on the CPU"
