"""EfficientNet-Lite0 and -Lite2 as extractors; whose weights those are says :mod:`ncenet.nn.lite`."""

from __future__ import annotations

from ncenet.features.extractor import Extractor, Wanted, extractors
from ncenet.features.framing import Preprocessing
from ncenet.nn.lite import SIDES, lite_network

KEPT = 0.875
"""Of the shorter side, as the networks were trained; see ``benchmarks/results/embed.md``."""


@extractors.register("lite0")
def lite0(wanted: Wanted) -> Extractor:
    """EfficientNet-Lite0: 3.4 million weights, 224 pixels, D = 1280."""
    return _lite("lite0", wanted)


@extractors.register("lite2")
def lite2(wanted: Wanted) -> Extractor:
    """EfficientNet-Lite2: 4.8 million weights, 260 pixels, D = 1280; half as fast."""
    return _lite("lite2", wanted)


def _lite(name: str, wanted: Wanted) -> Extractor:
    network = lite_network(name, weights=wanted.weights, empty=wanted.empty)
    return Extractor(name, network, Preprocessing(SIDES[name], wanted.framing or "crop", kept=KEPT))
