"""What is wrong: with a run folder, and with this machine."""

from __future__ import annotations

import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

import ncenet
from ncenet.errors import UsageError

if TYPE_CHECKING:
    from ncenet.run.repair import Repaired

_NOT_FOR_USERS = {"all", "docs", "bench", "dev"}


def repair(folder: str | PathLike[str], *, dry_run: bool = False) -> list[Repaired]:
    """Check a run folder, and set aside what is broken, so that the run can go on; never an answer.

    Args:
        folder: that of a run, or of a comparison.
        dry_run: say what is broken, and change nothing.

    Returns:
        What was broken, and what became of it; nothing when all is sound.

    Raises:
        UsageError: there is no run in this folder, or another process is at work on it.
        LedgerError: the ledger itself is broken, which only a copy can mend: the answers are in it.

    >>> import ncenet, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ncenet.open(folder, images="digits").close()
    ...     ncenet.repair(folder)
    []
    """
    from ncenet.compare.repair import is_comparison, repair_comparison
    from ncenet.files import alone
    from ncenet.learners.model_file import check_model
    from ncenet.learners.training import read_checkpoint
    from ncenet.run.repair import repair_run

    def check(file: Path) -> None:
        if file.suffix == ".pt":
            read_checkpoint(file)
        else:
            check_model(file)

    if not Path(folder).is_dir():
        raise UsageError(f"{folder}: there is no such folder")
    with alone(Path(folder)):
        look = repair_comparison if is_comparison(Path(folder)) else repair_run
        return look(Path(folder), check, dry_run=dry_run)


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
        "cpu": f"{os.cpu_count()} cores, {torch.get_num_threads()} torch threads",
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
