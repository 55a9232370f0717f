"""A fit of a head alone, on stored vectors: full batch, without chance, in a second.

On a few thousand vectors of a few hundred dimensions the whole labelled set is one matrix. L-BFGS with a line
search needs no rate and no schedule, so nothing has to be scaled with the number of classes, and it stops by
itself. Measured beside momentum SGD and scikit-learn in ``benchmarks/head_fit.py``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor

from ncenet.errors import Diverged, UsageError
from ncenet.functional._precision import check_squares
from ncenet.learners.ridge import Fit, times_the_rule
from ncenet.nn.heads import Head
from ncenet.nn.heads.softmax import SoftmaxClassifier
from ncenet.types import FitReport

STEPS = 60
"""Most L-BFGS steps (ours): by then the loss has settled, see benchmarks/results/head_fit.md."""
MEMORY = 10
"""Past steps that L-BFGS remembers (ours)."""
SETTLED = 1e-7
"""A step that changes loss or weights by less than this is the last (ours)."""


def fit_head(
    head: Head,
    vectors_LD: Tensor,
    targets: Tensor,
    *,
    steps: int = STEPS,
    notify: Callable[[int, float], None] | None = None,
) -> FitReport:
    """Train a fresh head on all labelled vectors at once; the same vectors give the same weights.

    Whoever learns on stored features takes these three steps::

        reduce = PrincipalComponents.of(pool_vectors)                      # once a pool: ncenet.nn.principal
        head = build_head(recipe, reduce.out_features, C, stored=True)     # under the stream "weights"
        report = fit_head(head, reduce(labeled_vectors), targets)

    and keeps ``Network(reduce, head, ...)``. What it minimises is the mean of ``head.loss`` and a part L of
    ``head.penalty``. Both heads take part, as do K prototypes and a frozen radius.

    Args:
        head: changed in place; left in eval mode. It meets the targets and is initialised here.
        vectors_LD: (L, D), finite, on the head's device.
        targets: (L,) class indices in [0, C), whole numbers of any type.
        steps: most steps.
        notify: called with the step and the loss, about once a step.

    Returns:
        What the fit did; its details are what the head reports without the names of the classes, none.

    Raises:
        UsageError: there is nothing to learn from; vectors or targets are of another shape or type, or of
            another number than the others; or a target is no class of the head.
        NonFiniteScore: a vector has entries that are no numbers.
        Diverged: the loss is nan or inf.
    """
    targets = _checked(head, vectors_LD, targets)
    check_squares(vectors_LD, "labelled vectors")
    begun = time.perf_counter()
    vectors = vectors_LD.float()
    head.meet(targets)
    if isinstance(head, SoftmaxClassifier) and head.grows:
        head.pull *= times_the_rule(vectors, targets, _trials(head, steps))
    taken = _minimise(head, vectors, targets, steps, notify)
    head.eval()
    with torch.no_grad():
        output = head(vectors)
        loss = float(head.loss(output, targets).mean())
        accuracy = float((output.argmax(-1) == targets).float().mean())
    if not math.isfinite(loss):
        raise Diverged(loss, 1, 1, None)
    return FitReport(len(targets), taken, time.perf_counter() - begun, loss, accuracy)


def _checked(head: Head, vectors: Tensor, targets: Tensor) -> Tensor:
    """The targets as torch counts with them.

    Raises:
        UsageError: they are not what :func:`fit_head` takes; says what they are, and what helps.
    """
    for name, given in (("vectors_LD", vectors), ("targets", targets)):
        if not isinstance(given, Tensor):
            raise UsageError(f"{name}: a {type(given).__name__}, expected a tensor: torch.as_tensor({name})")
    if vectors.dim() != 2 or vectors.shape[1] != head.in_features or not vectors.is_floating_point():
        raise UsageError(
            f"vectors_LD: {vectors.dtype} of shape {tuple(vectors.shape)}, expected a row of "
            f"{head.in_features} floating-point numbers for each labelled image"
        )
    if targets.dim() != 1:
        raise UsageError(
            f"targets: shape {tuple(targets.shape)}, expected one class index for each image, "
            f"({len(vectors)},): of rows with a 1 for the class, targets.argmax(1)"
        )
    if len(targets) != len(vectors):
        raise UsageError(f"targets: {len(targets)} of them for {len(vectors)} vectors, expected one for each")
    if targets.dtype == torch.bool or targets.is_floating_point() or targets.is_complex():
        raise UsageError(
            f"targets: {targets.dtype}, expected whole numbers, class indices: targets.long(), if they are"
        )
    if len(vectors) == 0:
        raise UsageError("nothing to learn from: the labelled set is empty")
    targets = targets.long()
    if strange := targets[(targets < 0) | (targets >= head.num_classes)].tolist():
        raise UsageError(
            f"targets: {strange[0]} is no class index, and {len(strange) - 1} more of {len(targets)}: the "
            f"head has {head.num_classes} classes, from 0 on"
        )
    return targets


def _minimise(
    head: Head,
    vectors: Tensor,
    targets: Tensor,
    steps: int,
    notify: Callable[[int, float], None] | None = None,
) -> int:
    """Initialise a head that has met its targets, and train it; how often the loss was computed."""
    head.initialize(vectors, targets)
    head.train()
    parameters = [parameter for parameter in head.parameters() if parameter.requires_grad]
    optimizer = torch.optim.LBFGS(
        parameters,
        max_iter=steps,
        history_size=MEMORY,
        tolerance_grad=SETTLED,
        tolerance_change=SETTLED,
        line_search_fn="strong_wolfe",
    )
    taken = 0

    def objective() -> Tensor:
        nonlocal taken
        optimizer.zero_grad()
        loss = head.loss(head(vectors), targets).mean() + head.penalty() / len(targets)
        loss.backward()
        taken += 1
        if notify is not None:
            notify(taken, float(loss.detach()))
        return loss

    optimizer.step(objective)
    optimizer.zero_grad(set_to_none=True)
    return taken


def _trials(head: SoftmaxClassifier, steps: int) -> Fit:
    """Fits of copies of a head, each with so many times the pull of the rule."""

    def fit(factor: float, vectors: Tensor, targets: Tensor) -> Callable[[Tensor], Tensor]:
        trial = deepcopy(head)
        trial.meet(targets)
        trial.pull *= factor
        _minimise(trial, vectors, targets, steps)
        return torch.no_grad()(trial.eval())

    return fit
