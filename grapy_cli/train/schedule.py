"""The learning-rate schedule."""

from dataclasses import dataclass

from grapy_cli.settings.derive import derive
from grapy_cli.settings.sections import TrainSettings


@dataclass(frozen=True)
class PolySchedule:
    """The poly policy: base * (1 - progress) ** power.

    Source: He et al. 2020, Implementation Details; Chen et al. 2018.
    """

    base: float
    steps_per_epoch: int
    epochs: int
    power: float = 0.9
    warmup: int = 0
    """Steps over which the rate rises linearly from zero."""
    every_epochs: int = 0
    """0 lowers the rate at every step; N only at the last of every N epochs, as the reference does
    with N = 10 (epochs 9, 19, ... counted from 0)."""

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0 over the whole run."""
        if step < self.warmup:
            return self.base * (step + 1) / self.warmup
        if self.every_epochs:
            progress = max(0, self._lowered(step) * self.every_epochs - 1) / self.epochs
        else:
            progress = step / (self.steps_per_epoch * self.epochs)
        return self.base * max(0.0, 1 - progress) ** self.power

    def lowers_at(self, step: int) -> bool:
        """Tell whether `every_epochs` lowers the rate at this step."""
        return (
            bool(self.every_epochs) and step > 0 and self._lowered(step) > self._lowered(step - 1)
        )

    def _lowered(self, step: int) -> int:
        """Return how often `every_epochs` has lowered the rate up to a step."""
        return (step // self.steps_per_epoch + 1) // self.every_epochs


def build_schedule(train: TrainSettings, steps_per_epoch: int) -> PolySchedule:
    """Build the schedule that settings describe."""
    return derive(
        PolySchedule, train, train.schedule, base=train.lr, steps_per_epoch=steps_per_epoch
    )
