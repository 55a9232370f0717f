"""Pure tensor maths: no state, no files, and no random numbers but those of a generator that is handed in.

Half precision is computed in float32, also under autocast; float64 stays float64.

::

    kernels          from features and prototypes to log-likelihoods (Eq. 4, 6, 7)
    losses           the loss of NCE-Net (Eq. 5)
    loss_prediction  the order of pairs of losses (LL4AL)
    adversarial      VAE, discriminator, and the uncertainty it learns (VAAL, SRAAL)
    scores           score functions (..., C) -> (...), higher = more informative (Eq. 8, 9, classical ones)
    information      information of a subset of the pool (Eq. 10 to 12)
    topk             the k best of a pool of any size
    kcenter          greedy k-centre (core-set)
    herding          the points that cover most of a pool, by weight
    calibration      whether probabilities are honest, and the temperature that makes them so
    fisher           the batch that says the most about a linear layer (BAIT)
    clusters         k-means
    typical          typical images of places without a label (TypiClust)
    kmeanspp         k-means++ seeding of rank-one matrices (BADGE)
    soft_means       prototypes that images without a label move (soft k-means)
    scope            which images belong to some class, by those that were skipped
    lookahead        what one more label would change, for many candidates (the oracle line)

    boxes              overlap of boxes, their code, and which anchor learns which object
    multibox           the loss of a detector
    suppression        from what anchors say to a list of objects
    aggregate          from the scores of anchors to the score of an image
    heat               where in an image its anchors score high
    average_precision  how well objects are found, as VOC has it

The modules of detection are imported by their names.

>>> import ncenet, torch
>>> ncenet.functional.rejection(torch.tensor([[0.9, 0.1], [0.2, 0.3]]))
tensor([1.0000, 1.5000])
"""

from ncenet.functional.adversarial import negative_elbo, state_loss, state_uncertainty
from ncenet.functional.clusters import k_means
from ncenet.functional.herding import Herd, herd, typical_distance
from ncenet.functional.information import information, normalized_information, subset_information
from ncenet.functional.kcenter import Centers, k_centers
from ncenet.functional.kernels import (
    apply_feature_map,
    cosine_log_likelihood,
    gaussian_log_likelihood,
    likelihoods,
    nearest_squared_distance,
)
from ncenet.functional.kmeanspp import k_means_seeds
from ncenet.functional.loss_prediction import pair_loss
from ncenet.functional.losses import log1mexp, nce_loss, nce_rank_loss
from ncenet.functional.scores import (
    bald,
    binary_entropy,
    confusion,
    consensus_entropy,
    entropy,
    least_confidence,
    margin,
    rejection,
    vote_entropy,
)
from ncenet.functional.topk import TopK
from ncenet.functional.typical import Typical, typical_images, typicality

__all__ = [
    "Centers",
    "Herd",
    "TopK",
    "Typical",
    "apply_feature_map",
    "bald",
    "binary_entropy",
    "confusion",
    "consensus_entropy",
    "cosine_log_likelihood",
    "entropy",
    "gaussian_log_likelihood",
    "herd",
    "information",
    "k_centers",
    "k_means",
    "k_means_seeds",
    "least_confidence",
    "likelihoods",
    "log1mexp",
    "margin",
    "nce_loss",
    "nce_rank_loss",
    "nearest_squared_distance",
    "negative_elbo",
    "normalized_information",
    "pair_loss",
    "rejection",
    "state_loss",
    "state_uncertainty",
    "subset_information",
    "typical_distance",
    "typical_images",
    "typicality",
    "vote_entropy",
]
