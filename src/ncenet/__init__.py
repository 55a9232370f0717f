"""ncenet tells which images to label next.

::

    import ncenet

    run = ncenet.open("runs/pets", images="photos/", classes=["cat", "dog"])
    with run:
        query = run.ask(20)
        run.tell({id: "cat" for id in query.ids})

What stands in ``__all__`` is the library, and what stands in that of :mod:`ncenet.parts` is for whoever
writes a strategy, a learner or a reader; everything else may change without notice.
"""

from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "ArrayPool",
    "Boxes",
    "Comparison",
    "Dataset",
    "DetectionModel",
    "Model",
    "NCEClassifier",
    "PrototypeClassifier",
    "Query",
    "Recipe",
    "Report",
    "Run",
    "Scorer",
    "compare",
    "cost",
    "doctor",
    "errors",
    "features",
    "functional",
    "label",
    "load",
    "open",
    "parts",
    "score",
    "select",
    "simulate",
    "strategies",
]

if TYPE_CHECKING:
    from ncenet import errors as errors
    from ncenet import features as features
    from ncenet import functional as functional
    from ncenet import parts as parts
    from ncenet import strategies as strategies
    from ncenet.api.doctor import doctor as doctor
    from ncenet.api.opening import open as open
    from ncenet.api.report import Report as Report
    from ncenet.api.run import Run as Run
    from ncenet.api.score import score as score
    from ncenet.api.select import select as select
    from ncenet.api.simulations import compare as compare
    from ncenet.api.simulations import simulate as simulate
    from ncenet.boxes import Boxes as Boxes
    from ncenet.compare.comparison import Comparison as Comparison
    from ncenet.compare.costs import cost as cost
    from ncenet.data.dataset import Dataset as Dataset
    from ncenet.data.pools import ArrayPool as ArrayPool
    from ncenet.learners.estimator import NCEClassifier as NCEClassifier
    from ncenet.ledger.records import Answer as Answer
    from ncenet.models.model import DetectionModel as DetectionModel
    from ncenet.models.model import Model as Model
    from ncenet.models.model import load as load
    from ncenet.models.scorer import Scorer as Scorer
    from ncenet.nn.heads.prototypes import PrototypeClassifier as PrototypeClassifier
    from ncenet.recipe import Recipe as Recipe
    from ncenet.types import Query as Query
    from ncenet.web.label import label as label
else:
    from ncenet.lazy import attach

    __getattr__, __dir__ = attach(
        __name__,
        {
            "api.doctor": ("doctor",),
            "api.opening": ("open",),
            "api.report": ("Report",),
            "api.run": ("Run",),
            "api.score": ("score",),
            "api.select": ("select",),
            "api.simulations": ("simulate",),
            "boxes": ("Boxes",),
            "compare.comparison": ("Comparison",),
            "compare.costs": ("cost",),
            "data.dataset": ("Dataset",),
            "data.pools": ("ArrayPool",),
            "learners.estimator": ("NCEClassifier",),
            "ledger.records": ("Answer",),
            "models.model": ("DetectionModel", "Model", "load"),
            "models.scorer": ("Scorer",),
            "nn.heads.prototypes": ("PrototypeClassifier",),
            "recipe": ("Recipe",),
            "types": ("Query",),
            "web.label": ("label",),
        },
        modules=("compare", "errors", "features", "functional", "parts", "strategies"),
    )
