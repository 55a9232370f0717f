"""Features: vectors that a pretrained network makes of images, computed once and kept.

An :class:`~ncenet.features.extractor.Extractor` turns images into vectors and has a fingerprint; a
:class:`~ncenet.features.store.Store` keeps them under the fingerprint and the content hash of the image, so
nothing is computed twice, whatever run or folder the image is in. ``ncenet.features.of(images)`` is an array
of them.

>>> import ncenet, numpy as np, tempfile
>>> pool = ncenet.ArrayPool(np.zeros((2, 8, 8, 3), np.uint8), ids=["a", "b"])
>>> with tempfile.TemporaryDirectory() as folder:
...     np.savez(f"{folder}/mine.npz", ids=["a", "b"], vectors=np.ones((2, 4)))
...     ncenet.features.of(pool, f"{folder}/mine.npz")
ImageVectors(2 of 4 numbers; 0 unreadable)
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ncenet.features.array import of as of
else:
    from ncenet.lazy import attach

    __getattr__, __dir__ = attach(__name__, {"features.array": ("of",)})
