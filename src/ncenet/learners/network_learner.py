"""What learners of one network have in common: its file, its fit, and the pools that it has decoded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Generic

import torch
from torch import Tensor, nn

from ncenet.counts import count_of
from ncenet.data.tensors import ImageTensors
from ncenet.errors import NotFitted
from ncenet.given import PREFIX
from ncenet.learners.lesson import Lesson
from ncenet.learners.model_file import AnyNetwork, auxiliary_name, filled, read_model, write_model
from ncenet.learners.processes import accelerator, processes
from ncenet.learners.training import FitJob
from ncenet.nn.auxiliary import AuxiliaryFactory
from ncenet.nn.heads import Head
from ncenet.nn.heads.prototypes import PrototypeClassifier
from ncenet.nn.heads.softmax import SoftmaxClassifier
from ncenet.progress import Notify
from ncenet.recipe import DataRecipe, ModelRecipe, TrainRecipe
from ncenet.rng import Streams
from ncenet.types import FitReport, Pool


class NetworkLearner(ABC, Generic[AnyNetwork]):
    """A network, the recipe that it was made by, and what it has learned.

    Args:
        model: backbone and head.
        train: how to train.
        data: how images become tensors.
        streams: the run's random numbers.
        flip_safe: whether mirroring leaves the meaning of these images alone; decides ``train.flip`` when the
            recipe leaves it open.
        auxiliary: builds what is trained beside the network because a strategy wants its output, see
            :mod:`ncenet.nn.auxiliary`.
        notify: told of the progress of fits.

    Attributes:
        format: the kind of model, in its file.
        class_names: the C classes; none before the first fit.
        cycle: the cycle that it was trained in.
    """

    format: ClassVar[str]
    _prefix = ""

    def __init__(
        self,
        model: ModelRecipe,
        train: TrainRecipe,
        data: DataRecipe,
        streams: Streams,
        *,
        flip_safe: bool = True,
        auxiliary: AuxiliaryFactory | None = None,
        notify: Notify | None = None,
    ) -> None:
        self.model, self.train, self.data, self.streams = model, train, data, streams
        self.flip_safe, self.auxiliary, self.notify = flip_safe, auxiliary, notify
        self.class_names: tuple[str, ...] = ()
        self.cycle = 0
        self._network: AnyNetwork | None = None
        self._tensors: dict[int, tuple[Pool, ImageTensors]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """What a copy and a pickle hold: all but the decoded images."""
        return self.__dict__ | {"_tensors": {}}

    def __repr__(self) -> str:
        """What it tells apart, by which network, and since which cycle."""
        kind, classes = type(self).__name__, self.class_names
        network = self.model.backbone.removeprefix(PREFIX)
        if self._network is None:
            return f"{kind}({network}; has learned nothing yet)"
        names = ", ".join(classes[:5]) + (", ..." if len(classes) > 5 else "")
        return f"{kind}({count_of(len(classes), 'class', 'classes')}: {names}; {network}; cycle {self.cycle})"

    @property
    def held(self) -> tuple[Pool, ...]:
        """Pools whose decoded images are kept; :meth:`forget` lets go of one."""
        return tuple(pool for pool, _ in self._tensors.values())

    @property
    def network(self) -> AnyNetwork:
        """The trained network, in eval mode.

        Raises:
            NotFitted: nothing has been trained or loaded yet.
        """
        if self._network is None:
            raise NotFitted("this model has learned nothing yet: call fit or load first")
        return self._network

    @property
    @abstractmethod
    def input_about(self) -> dict[str, Any]:
        """What the network reads, as it stands in a file; see :meth:`rebuilt`."""

    @abstractmethod
    def rebuilt(self, about: Mapping[str, Any]) -> AnyNetwork:
        """The network that a file tells of, with weights that come from there next."""

    @property
    def _own_parts(self) -> bool:
        """Whether parts of the network are given by the caller, who may hand out the same ones each time."""
        return False

    @property
    def _slow(self) -> nn.Module | None:
        """The part of the network that learns at a smaller rate, because it brought its weights."""
        return None

    @property
    def _looks_first(self) -> bool:
        """Whether the head starts from the labelled features, which takes a pass over them."""
        head = self.network.head
        if type(head) is PrototypeClassifier:
            return head.init == "class-mean"
        return type(head) is not SoftmaxClassifier and type(head).initialize is not Head.initialize

    @abstractmethod
    def _opened(self, pool: Pool) -> ImageTensors:
        """Images of a pool as the network reads them."""

    def inputs(self, pool: Pool, ids: Sequence[str]) -> Tensor:
        """What the network reads of these images, see :meth:`ncenet.types.PoolView.inputs`."""
        return self._to(self.network.mean.device, self.tensors_of(pool).batch(ids))

    def save(self, file: str | PathLike[str]) -> None:
        """Write weights and what is needed to rebuild the network, as safetensors, whole or not at all."""
        write_model(Path(file), self.about(), self.weights())

    def weights(self) -> dict[str, Tensor]:
        """Parameters and statistics of the network under the names that they have in a file."""
        return {
            self._prefix + name: tensor.contiguous() for name, tensor in self.network.state_dict().items()
        }

    def about(self) -> dict[str, Any]:
        """What is needed to rebuild the network, as it stands in a file."""
        return {
            "format": self.format,
            "class_names": self.class_names,
            **self.input_about,
            "cycle": self.cycle,
            "auxiliary": auxiliary_name(self.network),
            "model": self.model.model_dump(mode="json"),
        }

    def load(self, file: str | PathLike[str]) -> None:
        """Read what :meth:`save` wrote; an auxiliary that this learner was not given is left out.

        Raises:
            DataError: the file is not such a model, or one of another architecture, or without the auxiliary
                that this learner was given.
        """
        file = Path(file)
        about, weights = read_model(file, self.format, self.model, prefix=self._prefix)
        with self.streams.scope("weights", 0):
            network = filled(lambda: self.rebuilt(about), about, weights, file, own=self._own_parts)
        self._network, self.cycle = network.to(processes().device).eval(), about["cycle"]

    def forget(self, pool: Pool) -> None:
        """Let go of a pool and its decoded images."""
        self._tensors.pop(id(pool), None)

    def _warm(self, before: Path | None, class_names: tuple[str, ...]) -> bool:
        """Whether a fit goes on from the weights before, which are loaded then.

        Where classes were added since, weights are drawn afresh.
        """
        if not self.train.warm or before is None:
            return False
        self.load(before)
        return self.class_names == class_names

    def _run(
        self, lesson: Lesson, cycle: int, checkpoint: Path | None, *, keep_end: bool = False
    ) -> FitReport:
        report = FitJob(
            network=self.network,
            lesson=lesson,
            recipe=self.train,
            streams=self.streams,
            cycle=cycle,
            checkpoint=checkpoint,
            notify=self.notify,
            keep_end=keep_end,
            slow=self._slow,
        ).run(accelerator(self.train.precision))
        self.cycle = cycle
        return report

    def tensors_of(self, pool: Pool) -> ImageTensors:
        """Tensors of a pool, decoded at most once."""
        if id(pool) not in self._tensors:
            # The pool is kept beside its tensors, so its address is not used again.
            self._tensors[id(pool)] = (pool, self._opened(pool))
        return self._tensors[id(pool)][1]

    def _to(self, device: torch.device, inputs: Tensor) -> Tensor:
        if inputs.dim() == 4 and self.train.channels_last:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        return inputs.to(device, non_blocking=True)
