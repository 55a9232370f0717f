"""What the figures need of models: computed once after the trials, kept in small files.

A report reads records and never a model. So whatever takes a network is worked out here, from the models that
trials saved, and written into the folder of the comparison.

::

    records      what the files hold, and where they are; read without torch
    choice       which trials the figures are drawn from
    models       one trial again: its data, and the network of any cycle
    information  information of subsets of the pool (Eq. 10 to 12, Fig. 3)
    embedding    t-SNE over the cycles in one frame (Fig. 4)
    regions      decision regions in a plane (Fig. 1 and 2)
    run          all of it, what is missing or out of date alone
"""

from ncenet.compare.analysis.choice import arms_of_figures
from ncenet.compare.analysis.records import Analysis, read_analysis
from ncenet.compare.analysis.run import analyze

__all__ = ["Analysis", "analyze", "arms_of_figures", "read_analysis"]
