"""ncenet tells which images to label next."""

from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = ["DetectionModel", "Model", "NCEClassifier", "__version__", "load"]

if TYPE_CHECKING:
    from ncenet.learners.estimator import NCEClassifier
    from ncenet.models.model import DetectionModel, Model, load
else:

    def __getattr__(name):
        # torch and scikit-learn take seconds to import: only for whoever uses them.
        if name == "NCEClassifier":
            from ncenet.learners.estimator import NCEClassifier

            return NCEClassifier
        if name in ("DetectionModel", "Model", "load"):
            from ncenet.models import model

            return getattr(model, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
