"""Build a parser from settings."""

from pathlib import Path

from grapy_cli.inference.parser import HumanParser, device_for
from grapy_cli.runtime.device import fair_threads, set_threads
from grapy_cli.runtime.world import World
from grapy_cli.settings.derive import derive
from grapy_cli.settings.settings import Settings


def load_parser(
    settings: Settings,
    world: World | None = None,
    *,
    weights: Path | None = None,
    folded: bool = True,
) -> HumanParser:
    """Load the parser that settings describe.

    Args:
        settings: Device, threads and all of `infer` are used.
        weights: Used instead of those in the settings.
        folded: As in `HumanParser.load`.

    Raises:
        WeightsError: If the weights cannot be read.
        DeviceError: If the device is absent.
    """
    world = world or World()
    set_threads(settings.run.threads or fair_threads(world.local_size))
    chosen = weights or settings.infer.weights
    return derive(
        HumanParser.load,
        settings.infer,
        settings.predict,
        weights=chosen,
        device=str(device_for(chosen, settings.run.device, world.local_rank)),
        folded=folded,
    )
