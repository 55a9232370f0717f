"""What the model of a cycle says of one image that it did not look at by itself, as in a very large pool."""

from __future__ import annotations

from ncenet import functional
from ncenet.loop.loop import Loop
from ncenet.loop.reasons import LIKELIEST, NEIGHBOURS, fitted_shares, predicted
from ncenet.run.records import Reason


def glance(loop: Loop, cycle: int, id: str) -> Reason | None:
    """Likelihoods as shares, scores and nearest labelled images; None while the image has no features yet.

    Args:
        loop: the run.
        cycle: whose model.
        id: an image that is not held out.
    """
    if loop.available is not None and not loop.available([id]):
        return None
    learner, labels = loop.model(cycle), dict(loop.labeled())
    names: tuple[str, ...] = getattr(learner, "class_names", loop.class_names)
    probs_NC, features_ND = predicted(learner, loop.pool, [id])
    (of_image,) = fitted_shares(loop, cycle, probs_NC)
    near = [other for other in labels if other != id]
    nearest = []
    if near:
        _, known_LD = predicted(learner, loop.pool, near)
        best = (known_LD @ features_ND[0]).topk(min(NEIGHBOURS, len(near))).indices.tolist()
        nearest = [near[row] for row in best]
    return Reason(
        rejection=float(functional.rejection(probs_NC)),
        confusion=float(functional.confusion(probs_NC)),
        near=tuple((other, labels[other]) for other in nearest),
        likelihoods={
            names[c]: round(float(of_image[c]), 4)
            for c in of_image.argsort(descending=True)[:LIKELIEST].tolist()
        },
    )
