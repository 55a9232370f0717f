"""Features: vectors that a pretrained network makes of images, computed once and kept.

An :class:`~ncenet.features.extractor.Extractor` turns images into vectors and has a fingerprint; a
:class:`~ncenet.features.store.Store` keeps them under the fingerprint and the content hash of the image, so
nothing is computed twice, whatever run or folder the image is in. ``ncenet.features.of(images)`` is an array
of them.

>>> import ncenet
>>> ncenet.features.Preprocessing(side=224).framing
'crop'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ncenet.features.array import of as of
    from ncenet.features.extractor import Extractor as Extractor
    from ncenet.features.extractor import Wanted as Wanted
    from ncenet.features.framing import Preprocessing as Preprocessing

_HOMES = {"Extractor": "extractor", "Wanted": "extractor", "Preprocessing": "framing", "of": "array"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:  # they bring torch
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
