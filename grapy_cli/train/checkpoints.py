"""Save and load checkpoints: the weights, and the state that a run needs to resume.

last/ and best/ hold weights.safetensors (what is scored), state.safetensors (the optimizer's
memory by parameter name and, where a running average is kept, the network itself), state.json
(progress). No pickle.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import torch
from pydantic import TypeAdapter
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from grapy_cli.errors import WeightsError
from grapy_cli.model.grapy import GrapyNet
from grapy_cli.model.weights import WeightsCard, read_tensors, save_weights
from grapy_cli.runtime.run_folder import RunFolder
from grapy_cli.train.ema import ExponentialMovingAverage

SCALER_MEMORY: Mapping[str, type[int] | type[float]] = {"scale": float, "_growth_tracker": int}
"""The part of a gradient scaler's state that changes."""


@dataclass(frozen=True)
class Progress:
    """The progress of a run."""

    step: int = 0
    """Steps made."""
    epoch: int = 0
    """The epoch that the next step belongs to, from 0."""
    step_in_epoch: int = 0
    best: float = -1.0
    """Best mean IoU so far, over the data sets; -1 before the first scoring."""
    best_by_dataset: Mapping[str, float] = field(default_factory=dict)
    """Best mean IoU so far of each data set by itself."""

    def after_step(self) -> "Progress":
        """Return the progress after one more step."""
        return replace(self, step=self.step + 1, step_in_epoch=self.step_in_epoch + 1)

    def after_epoch(self) -> "Progress":
        """Return the progress at the start of the next epoch."""
        return replace(self, epoch=self.epoch + 1, step_in_epoch=0)

    def after_scores(self, scores: Mapping[str, float]) -> tuple["Progress", list[str]]:
        """Return the progress with new scores, and the names of checkpoints to write.

        Args:
            scores: Mean IoU by data set, at least one.
        """
        best = dict(self.best_by_dataset)
        better = [name for name, score in scores.items() if score > best.get(name, -1.0)]
        best |= {name: scores[name] for name in better}
        names = [f"best-{name}" for name in better] if len(scores) > 1 else []
        mean = sum(scores.values()) / len(scores)
        if mean > self.best:
            names = ["best", *names]
        return replace(self, best=max(mean, self.best), best_by_dataset=best), names


_PROGRESS = TypeAdapter(Progress)


class Trained(NamedTuple):
    """Everything that a step changes."""

    network: GrapyNet
    optimizer: torch.optim.Optimizer
    average: ExponentialMovingAverage | None
    scaler: torch.amp.GradScaler
    """Scales the loss for fp16; does nothing with other precisions."""

    def weights(self) -> dict[str, Tensor]:
        """Return the weights that are scored and saved."""
        return self.average.state if self.average else self.network.state_dict()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Give the network these weights in evaluation mode, and put its own back after."""
        kept = {key: value.clone() for key, value in self.network.state_dict().items()}
        self.network.load_state_dict(self.weights())
        self.network.eval()
        try:
            yield
        finally:
            self.network.load_state_dict(kept)


@dataclass(frozen=True)
class CheckpointFolder:
    """Saves and loads the checkpoints of a run."""

    folder: RunFolder
    make_card: Callable[[int], WeightsCard]
    """Describes the weights at a step."""

    def save(self, trained: Trained, progress: Progress, name: str) -> Path:
        """Write a checkpoint beside the old one, and replace that when it is complete.

        Raises:
            WeightsError: If it cannot be written; then the old one is unchanged.
        """
        target = self.folder.checkpoint(name)
        beside = target.with_name(f"{name}.part")
        shutil.rmtree(beside, ignore_errors=True)
        try:
            beside.mkdir()  # fails if the run folder was removed
            self._write(beside, trained, progress)
            _exchange(beside, target)
        except (OSError, SafetensorError, WeightsError) as error:
            shutil.rmtree(beside, ignore_errors=True)
            raise WeightsError(
                f"the checkpoint {target} cannot be written: {error}",
                hint=f"Free some disk space, then resume with --resume {self.folder.path}.",
            ) from error
        return target

    def _write(self, beside: Path, trained: Trained, progress: Progress) -> None:
        card = self.make_card(progress.step)
        save_weights(beside / "weights.safetensors", trained.weights(), card)
        save_file(_state(trained), beside / "state.safetensors")
        (beside / "state.json").write_text(json.dumps(asdict(progress)), encoding="utf-8")

    def last_weights(self) -> Path:
        """Return the weights file of the last checkpoint.

        Raises:
            WeightsError: If there is no complete checkpoint.
        """
        return _complete(self.folder.checkpoint("last")) / "weights.safetensors"

    def load(self, trained: Trained) -> Progress:
        """Restore a run from its last checkpoint.

        Raises:
            WeightsError: If there is no complete checkpoint, or it belongs to another network.
        """
        source = _complete(self.folder.checkpoint("last"))
        try:
            progress = _PROGRESS.validate_json((source / "state.json").read_bytes())
            if min(progress.step, progress.epoch, progress.step_in_epoch) < 0:
                raise ValueError("its state.json has negative numbers")
            state = read_tensors(source / "state.safetensors")
            weights = read_tensors(source / "weights.safetensors")
            _restore(trained, state, weights)
        except (OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
            raise WeightsError(
                f"the checkpoint {source} cannot be resumed: {error}",
                hint=f"Start a new run from its weights with --init {source}.",
            ) from error
        return progress


def _exchange(beside: Path, target: Path) -> None:
    """Replace a folder with a new one; after a crash one of them is complete."""
    old = target.with_name(f"{target.name}.old")
    if target.exists():  # else a crash came between these lines, and only `old` is complete
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
    beside.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _complete(target: Path) -> Path:
    for folder in (target, target.with_name(f"{target.name}.old")):
        if (folder / "state.json").is_file():
            return folder
    raise WeightsError(
        f"{target.parent} has no checkpoint to resume from",
        hint="The run ended before its first checkpoint: start it again.",
    )


def _state(trained: Trained) -> dict[str, Tensor]:
    names = _parameter_names(trained)
    memory = {
        f"optimizer/{names[parameter]}/{slot}": value.detach().cpu().contiguous()
        for parameter, slots in trained.optimizer.state.items()
        for slot, value in slots.items()
        if isinstance(value, Tensor)
    }
    memory |= {
        f"scaler/{name}": torch.tensor(float(value), dtype=torch.float64)
        for name, value in trained.scaler.state_dict().items()
        if name in SCALER_MEMORY
    }
    if trained.average is None:
        return memory
    network = trained.network.state_dict()
    return memory | {
        f"network/{key}": value.detach().cpu().contiguous() for key, value in network.items()
    }


def _restore(trained: Trained, state: Mapping[str, Tensor], weights: dict[str, Tensor]) -> None:
    if trained.average is None:
        trained.network.load_state_dict(weights)
    else:
        for key, value in trained.average.state.items():
            value.copy_(_of_shape(value, weights[key], key))
        prefix = "network/"
        trained.network.load_state_dict(
            {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}
        )
    _restore_optimizer(trained, state)
    _restore_scaler(trained.scaler, state)


def _restore_scaler(scaler: torch.amp.GradScaler, state: Mapping[str, Tensor]) -> None:
    """Restore the scale; a run that changed its precision may have none."""
    memory = {
        name: kind(state[f"scaler/{name}"].item())
        for name, kind in SCALER_MEMORY.items()
        if f"scaler/{name}" in state
    }
    if memory and scaler.is_enabled():
        scaler.load_state_dict(scaler.state_dict() | memory)


def _restore_optimizer(trained: Trained, state: Mapping[str, Tensor]) -> None:
    parameters = {name: parameter for parameter, name in _parameter_names(trained).items()}
    is_fused = any(group.get("fused") for group in trained.optimizer.param_groups)
    for key, value in state.items():
        if key.startswith("optimizer/"):
            _, name, slot = key.split("/")
            parameter = parameters[name]
            if value.ndim:
                _of_shape(parameter, value, key)
            # Scalars (AdamW's step count) stay on the CPU, unless the update is one kernel.
            home = value if value.ndim == 0 and not is_fused else value.to(parameter.device)
            trained.optimizer.state[parameter][slot] = home


def _of_shape(wanted: Tensor, found: Tensor, key: str) -> Tensor:
    """Return the tensor if its shape fits: copying would silently broadcast it."""
    if found.shape != wanted.shape:
        raise ValueError(f"{key} is {tuple(found.shape)} instead of {tuple(wanted.shape)}")
    return found


def _parameter_names(trained: Trained) -> dict[Tensor, str]:
    return {parameter: name for name, parameter in trained.network.named_parameters()}
