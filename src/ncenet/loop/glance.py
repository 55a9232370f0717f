"""What the model of a cycle says of one image that it did not look at by itself, as in a very large pool."""

from __future__ import annotations

import torch

from ncenet import functional
from ncenet.loop.loop import Loop
from ncenet.loop.reasons import LIKELIEST, NEIGHBOURS, predicted
from ncenet.run.held_out import held_out_ids
from ncenet.run.records import Reason
from ncenet.run.shares import shares, sharpness_of


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
    told = dict(loop.ledger.labeled(among=held_out_ids(loop.ledger)))
    measured = [other for other, label in told.items() if label in names]
    probs_NC, features_ND = predicted(learner, loop.pool, [id, *measured])
    sharpness = sharpness_of(probs_NC[1:].numpy(), [names.index(told[other]) for other in measured])
    (of_image,) = shares(probs_NC[:1].numpy(), sharpness)
    near = [other for other in labels if other != id]
    nearest = []
    if near:
        _, known_LD = predicted(learner, loop.pool, near)
        best = (known_LD @ features_ND[0]).topk(min(NEIGHBOURS, len(near))).indices.tolist()
        nearest = [near[row] for row in best]
    return Reason(
        rejection=float(functional.rejection(probs_NC[:1])),
        confusion=float(functional.confusion(probs_NC[:1])),
        near=tuple((other, labels[other]) for other in nearest),
        likelihoods={
            names[c]: round(float(of_image[c]), 4)
            for c in torch.tensor(of_image).argsort(descending=True)[:LIKELIEST].tolist()
        },
    )
