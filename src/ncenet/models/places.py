"""Where a model may be: an exported folder, a run, a file, the Hugging Face Hub."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, PositiveFloat, PositiveInt, ValidationError, model_validator

from ncenet.errors import DamagedRecord, DataError, MissingExtra, UsageError
from ncenet.recipe import Aggregate
from ncenet.run.folder import CycleFolder, RunFolder, refuse_comparison
from ncenet.run.record_files import last_left_out, read_test
from ncenet.run.records import ClassTest
from ncenet.section import explain
from ncenet.text_files import read_whole

WEIGHTS, CONFIG = "model.safetensors", "config.json"
HUB = "hub:"
"""What a model on the Hugging Face Hub is written with: nothing uses the network unasked."""


_ENDINGS = {".pt2": "torch", ".onnx": "onnx"}


def model_format_of(out: Path) -> str | None:
    """The format that the name of a file says by its end; None when it says none.

    >>> model_format_of(Path("pets.onnx")), model_format_of(Path("labels.csv"))
    ('onnx', None)
    """
    return _ENDINGS.get(out.suffix.lower())


class _Said(BaseModel):
    """What is read of it beside what the model file says itself: of detectors the first two or neither."""

    aggregate: Aggregate | None = None
    aggregate_k: PositiveInt | None = None
    temperature: PositiveFloat | None = None

    @model_validator(mode="after")
    def _together(self) -> _Said:
        if (self.aggregate is None) != (self.aggregate_k is None):
            raise ValueError("aggregate and aggregate_k stand there together")
        return self


def model_file(source: str | Path, revision: str | None = None) -> Path:
    """The safetensors file of a model.

    Args:
        source: an exported folder, a run folder (its last model), a safetensors file, or ``hub:OWNER/NAME``.
        revision: branch, tag or commit on the Hub.

    Raises:
        UsageError: there is no such file or folder, or no model in it.
        MissingExtra: a model of the Hub without ``huggingface_hub``.
        DataError: the Hub has no such model, or does not answer; or the last model of a run is missing.
    """
    source = str(source)
    if source.startswith(HUB):
        return _from_hub(source.removeprefix(HUB), revision) / WEIGHTS
    path = Path(source).expanduser()
    if path.is_file():
        if model_format_of(path) is not None:
            raise UsageError(
                f"{path}: a graph for other runtimes: read here are run folders and models exported as "
                "safetensors"
            )
        return path
    if (path / WEIGHTS).exists():
        return path / WEIGHTS
    last = RunFolder(path).last_model()
    if last is not None:
        return last
    if path.is_dir():
        refuse_comparison(path)
        raise UsageError(f"{path}: no model here: no {WEIGHTS}, and no cycle of a run has been trained yet")
    raise UsageError(f"{source}: no such file or folder; a model of the Hub is written hub:OWNER/NAME")


def read_config(file: Path, about: dict[str, Any]) -> dict[str, Any]:
    """What stands beside an exported model file; nothing for one that stands alone.

    Args:
        file: the model file.
        about: what it says of itself.

    Raises:
        DataError: the two contradict each other.
    """
    config = file.with_name(CONFIG)
    if not os.path.lexists(config):
        return {}
    try:
        said: dict[str, Any] = json.loads(read_whole(config))
        _Said.model_validate(said)
    except ValidationError as error:
        raise DataError(f"{config}: damaged: {explain(error.errors()[0])[:200]}") from error
    except OSError as error:
        raise DataError(f"{config}: cannot be read: {(error.strerror or str(error)).lower()}") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{config}: damaged: no JSON: {error}") from error
    if said | about != said:
        raise DataError(f"{config} does not belong to {file.name} beside it")
    return said


def recipe_beside(file: Path) -> Path | None:
    """The recipe of the run that a model file lies in; None for a model of its own."""
    run = RunFolder(file.absolute().parent.parent.parent)
    return run.recipe if file.absolute().parent.parent == run.all_cycles and run.recipe.exists() else None


def temperature_beside(file: Path, config: Mapping[str, Any]) -> float | None:
    """What makes shares of a model's likelihoods: by the labels of the run that it lies in, or came from.

    Labels are left out in turn now and then; until they are again, what they said holds for later models.

    A record that is damaged says nothing here: reports and repair tell of it, and the model is sound.

    Args:
        file: the model file.
        config: what stands beside it.
    """
    if recipe_beside(file) is None:
        found = config.get("temperature")
        return None if found is None else float(found)
    cycle = CycleFolder(file.absolute().parent)
    run = RunFolder(cycle.path.parent.parent)
    with suppress(DamagedRecord):
        test = read_test(cycle)
        if isinstance(test, ClassTest) and test.calibration is not None:
            return test.calibration.temperature
    with suppress(DamagedRecord):
        left_out = last_left_out([one for one in run.cycles() if one.number <= cycle.number])
        return None if left_out is None else left_out.temperature
    return None


def _from_hub(repository: str, revision: str | None) -> Path:
    try:
        import huggingface_hub
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError
    except ImportError:
        raise MissingExtra("a model of the Hugging Face Hub", "hub", "2 MB") from None
    try:
        return Path(
            huggingface_hub.snapshot_download(repository, revision=revision, allow_patterns=[WEIGHTS, CONFIG])
        )
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise DataError(f"hub:{repository} cannot be fetched: {error}") from error
