"""ncenet tells which images to label next.

::

    import ncenet

    run = ncenet.open("runs/pets", images="photos/", classes=["cat", "dog"])
    with run:
        query = run.ask(20)
        run.tell({id: "cat" for id in query.ids})

What stands in ``__all__`` is the library; everything else may change without notice.
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
    "FitReport",
    "FolderPool",
    "LabeledSet",
    "Learner",
    "Model",
    "NCEClassifier",
    "Pool",
    "Prediction",
    "PrototypeClassifier",
    "Query",
    "QueryStrategy",
    "Reader",
    "Recipe",
    "Report",
    "Run",
    "ScoreStrategy",
    "Scorer",
    "Section",
    "compare",
    "cost",
    "doctor",
    "errors",
    "features",
    "functional",
    "label",
    "load",
    "open",
    "repair",
    "score",
    "select",
    "simulate",
    "strategies",
]

if TYPE_CHECKING:
    from ncenet import errors as errors
    from ncenet import features as features
    from ncenet import functional as functional
    from ncenet import strategies as strategies
    from ncenet.api.health import doctor as doctor
    from ncenet.api.health import repair as repair
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
    from ncenet.data.pools import FolderPool as FolderPool
    from ncenet.data.readers import Reader as Reader
    from ncenet.learners.estimator import NCEClassifier as NCEClassifier
    from ncenet.ledger.records import Answer as Answer
    from ncenet.models.model import DetectionModel as DetectionModel
    from ncenet.models.model import Model as Model
    from ncenet.models.model import load as load
    from ncenet.models.scorer import Scorer as Scorer
    from ncenet.nn.heads.prototypes import PrototypeClassifier as PrototypeClassifier
    from ncenet.recipe import Recipe as Recipe
    from ncenet.section import Section as Section
    from ncenet.strategies.score import ScoreStrategy as ScoreStrategy
    from ncenet.types import FitReport as FitReport
    from ncenet.types import LabeledSet as LabeledSet
    from ncenet.types import Learner as Learner
    from ncenet.types import Pool as Pool
    from ncenet.types import Prediction as Prediction
    from ncenet.types import Query as Query
    from ncenet.types import QueryStrategy as QueryStrategy
    from ncenet.web.label import label as label
else:
    # Imported when they are asked for: torch and scikit-learn take seconds.
    _HOMES = {
        "api.health": ("doctor", "repair"),
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
        "data.pools": ("ArrayPool", "FolderPool"),
        "data.readers": ("Reader",),
        "learners.estimator": ("NCEClassifier",),
        "ledger.records": ("Answer",),
        "models.model": ("DetectionModel", "Model", "load"),
        "models.scorer": ("Scorer",),
        "nn.heads.prototypes": ("PrototypeClassifier",),
        "recipe": ("Recipe",),
        "section": ("Section",),
        "strategies.score": ("ScoreStrategy",),
        "types": ("FitReport", "LabeledSet", "Learner", "Pool", "Prediction", "Query", "QueryStrategy"),
        "web.label": ("label",),
    }
    _HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

    def __getattr__(name):
        from importlib import import_module

        if name in _HOME_OF:
            return getattr(import_module(f"ncenet.{_HOME_OF[name]}"), name)
        if name in __all__:  # the packages and modules that are part of the surface
            return import_module(f"ncenet.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return sorted([*globals(), *__all__])
