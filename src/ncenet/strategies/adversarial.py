"""What VAAL and SRAAL have in common: a VAE plays against a discriminator of labelled images and pool.

The VAE learns to reconstruct both kinds and to make all of them look labelled; the discriminator learns the
*state* of each image from its latent: 0 of a labelled one; what it says of the pool is the score.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from ncenet.errors import NonFiniteScore
from ncenet.rng import seeded
from ncenet.section import Section
from ncenet.strategies.options import WithOptions
from ncenet.types import PoolView, Query, QueryStrategy

if TYPE_CHECKING:
    import torch
    from torch import Generator, Tensor, nn

STEPS = 300
"""Default length of the game: 10 s on one core for images of 28 pixels (ours)."""
BATCH = 64
"""Labelled images, and images of the pool, in one step (ours)."""
LEARNING_RATE = 5e-4
"""Of Adam, for VAE and discriminator alike (VAAL)."""
SCALE_SAMPLE = 1000
"""Images of the pool that mean and deviation are taken from (ours)."""
CHUNK = 256
"""Images scored at a time; fixed, so that the pool's chunks don't matter (ours)."""


class AdversarialOptions(Section):
    """Options of VAAL and SRAAL."""

    steps: int = Field(STEPS, ge=1, description="Optimizer steps of the models that it trains in each query.")


class Adversarial(WithOptions, QueryStrategy, ABC):
    """Images of the pool that the discriminator says the highest state of; the score is its log odds.

    Args:
        options: those of :class:`AdversarialOptions`.
    """

    Options = AdversarialOptions
    classify: bool = False
    """Also learn the labels from the latent (SRAAL)."""

    @abstractmethod
    def states(self, view: PoolView, ids: Sequence[str]) -> Tensor:
        """What the discriminator learns of N images of the pool: (N,) in [0, 1], in the order of ``ids``."""

    def query(self, view: PoolView, query_size: int, *, rng: Generator) -> Query:
        """``query_size`` images of the pool, the highest score first, or all when there are fewer.

        Raises:
            NonFiniteScore: a number of an input, or a likelihood that a state is made of, is nan or inf.
            ValueError: ``query_size`` is below 1.
        """
        import torch
        from torch import nn

        from ncenet.functional.adversarial import negative_elbo, state_loss
        from ncenet.functional.topk import TopK
        from ncenet.nn.vae import LATENT, VAE, Discriminator

        best = TopK(query_size, rng)
        # Sorted: a row that is drawn stands for the same image, whatever the order of pool and answers.
        ids = sorted(view.ids)
        if not ids:
            return Query((), ())
        labeled_ids = sorted(view.labeled_ids)
        label_of = dict(zip(view.labeled_ids, view.labels, strict=True)) if self.classify else {}
        labels = [label_of[id] for id in labeled_ids] if self.classify else []
        _check_inputs(view, [*ids, *labeled_ids])
        pool_states = self.states(view, ids)
        with seeded(rng):
            sample = torch.randperm(len(ids), generator=rng)[:SCALE_SAMPLE].tolist()
            first = view.inputs(ids[:1])
            device = first.device
            vae, discriminator = VAE(tuple(first.shape[1:])).to(device), Discriminator().to(device)
            vae.set_normalization(map(view.inputs, _chunks([ids[row] for row in sample])))
            targets = torch.tensor(labels, device=device)
            classifier = nn.Linear(LATENT, max(labels) + 1).to(device) if labels else None
            optimizer = _adam(vae) if classifier is None else _adam(vae, classifier)
            against = _adam(discriminator)
            for _ in range(self.options.steps):
                known, unknown = _draw(len(labeled_ids), rng), _draw(len(ids), rng)
                batch = [labeled_ids[row] for row in known.tolist()] + [ids[row] for row in unknown.tolist()]
                inputs = vae.standardize(view.inputs(batch))
                mean, log_variance = vae.encode(inputs)
                latent = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
                loss = negative_elbo(vae.decode(latent), inputs, mean, log_variance).mean()
                loss = loss + state_loss(discriminator(mean), torch.zeros(len(batch), device=device)).mean()
                if classifier is not None:
                    logits = classifier(latent[: len(known)])
                    loss = loss + nn.functional.cross_entropy(logits, targets[known.to(device)])
                _step(optimizer, loss)
                state = torch.cat([torch.zeros(len(known)), pool_states[unknown]]).to(device)
                _step(against, state_loss(discriminator(mean.detach()), state).mean())
        with torch.inference_mode():
            for chunk in _chunks(ids):
                mean, _ = vae.encode(vae.standardize(view.inputs(chunk)))
                best.push(chunk, discriminator(mean).cpu())
        return best.query()


def _draw(count: int, rng: Generator) -> Tensor:
    """Rows of a batch, with replacement; none of nothing."""
    import torch

    return torch.randint(count, (BATCH,), generator=rng) if count else torch.empty(0, dtype=torch.long)


def _adam(*modules: nn.Module) -> torch.optim.Optimizer:
    import torch

    return torch.optim.Adam([p for module in modules for p in module.parameters()], lr=LEARNING_RATE)


def _step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))


def _check_inputs(view: PoolView, ids: Sequence[str]) -> None:
    """Refuse feature vectors that are not finite: one of them would spoil the models for all."""
    for chunk in _chunks(ids):
        inputs = view.inputs(chunk)
        if not inputs.is_floating_point():
            return
        bad = (~inputs.isfinite().all(1)).nonzero().flatten().tolist()
        if bad:
            raise NonFiniteScore(len(bad), chunk[bad[0]])
