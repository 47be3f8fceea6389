"""What stops a run before it spoils or wastes something, and what it says of it."""

from collections.abc import Mapping

from grapy_cli.errors import DivergedError


class NotFinite(DivergedError):
    """A step's losses, or the parameters it left, are no longer finite numbers.

    Args:
        message: What is not, and where.
        losses: Of this process' share of the step, by data set and kind; none where the
            parameters are meant.
    """

    def __init__(self, message: str, losses: Mapping[str, float]) -> None:
        super().__init__(
            message,
            hint="Go on from the last checkpoint with a smaller --lr, or "
            "--set train.optimizer.clip=1.",
        )
        self.losses = dict(losses)
