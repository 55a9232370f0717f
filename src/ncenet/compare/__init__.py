"""Arms against each other over the same seeds: run them, read them, say what can be said."""

from ncenet.compare.comparison import Arm, Comparison
from ncenet.compare.records import Curve, Results, Run, read_comparison, read_run
from ncenet.compare.trials import run

__all__ = ["Arm", "Comparison", "Curve", "Results", "Run", "read_comparison", "read_run", "run"]
