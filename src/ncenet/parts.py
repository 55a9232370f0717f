"""Parts of your own: what a strategy, a learner, a pool, a reader, an extractor or a section is made of.

A part is given to :func:`ncenet.open` as an object, or registered under a name that recipes and flags take.

>>> import ncenet
>>> class Breadth(ncenet.parts.ScoreStrategy):
...     def score(self, prediction):
...         return 1 / ncenet.parts.normalized(prediction.probs).square().sum(-1)
>>> ncenet.select([[0.5, 0.5], [0.9, 0.1]], 1, strategy=Breadth()).ids
('00000',)
"""

from typing import TYPE_CHECKING

__all__ = [
    "BoxLearner",
    "Detections",
    "Extractor",
    "FitReport",
    "FolderPool",
    "LabeledSet",
    "Learner",
    "Pool",
    "PoolView",
    "Prediction",
    "Preprocessing",
    "QueryStrategy",
    "Reader",
    "ScoreStrategy",
    "Section",
    "Wanted",
    "blocks",
    "normalized",
]

if TYPE_CHECKING:
    from ncenet.boxes import Detections as Detections
    from ncenet.data.pools import FolderPool as FolderPool
    from ncenet.data.readers import Reader as Reader
    from ncenet.features.extractor import Extractor as Extractor
    from ncenet.features.extractor import Wanted as Wanted
    from ncenet.features.framing import Preprocessing as Preprocessing
    from ncenet.report import blocks as blocks
    from ncenet.section import Section as Section
    from ncenet.strategies.score import ScoreStrategy as ScoreStrategy
    from ncenet.strategies.score import normalized as normalized
    from ncenet.types import BoxLearner as BoxLearner
    from ncenet.types import FitReport as FitReport
    from ncenet.types import LabeledSet as LabeledSet
    from ncenet.types import Learner as Learner
    from ncenet.types import Pool as Pool
    from ncenet.types import PoolView as PoolView
    from ncenet.types import Prediction as Prediction
    from ncenet.types import QueryStrategy as QueryStrategy
else:
    from ncenet.lazy import attach

    __getattr__, __dir__ = attach(
        __name__,
        {
            "boxes": ("Detections",),
            "data.pools": ("FolderPool",),
            "data.readers": ("Reader",),
            "features.extractor": ("Extractor", "Wanted"),
            "features.framing": ("Preprocessing",),
            "section": ("Section",),
            "strategies.score": ("ScoreStrategy", "normalized"),
            "types": (
                "BoxLearner",
                "FitReport",
                "LabeledSet",
                "Learner",
                "Pool",
                "PoolView",
                "Prediction",
                "QueryStrategy",
            ),
        },
        modules=("report.blocks",),
    )
