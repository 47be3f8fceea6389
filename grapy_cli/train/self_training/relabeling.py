"""Label the photos of self-training again during a run, with its own weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grapy_cli.inference.parser import HumanParser
from grapy_cli.labels import LabelSet
from grapy_cli.runtime.reporting import Reporter
from grapy_cli.runtime.world import World
from grapy_cli.settings.settings import Settings
from grapy_cli.train.checkpoints import Trained
from grapy_cli.train.self_training.labeling import Labeling
from grapy_cli.train.self_training.run import event_of
from grapy_cli.train.self_training.unlabeled_photos import find_photos


@dataclass(frozen=True)
class Relabeling:
    """Replaces the label maps that a teacher wrote, photo by photo.

    The weights are those that would be scored: the moving average, if there is one.
    The same weights give the same labels; a run that stops meanwhile starts this again.
    """

    settings: Settings
    trained: Trained
    parser: HumanParser
    """Of the network that is trained."""
    label_sets: Sequence[LabelSet]
    folder: Path
    """Of the data sets that the teacher wrote."""
    world: World

    def __call__(self, report: Reporter) -> None:
        """Label all photos that the teacher could read; all processes share the work.

        Raises:
            DatasetError: If the photos are gone.
            DeviceError: If the device does not have enough memory.
        """
        wanted = self.settings.train.self_training
        labeling = Labeling(
            self.folder,
            self.label_sets,
            find_photos(wanted.photos),
            wanted.confidence,
            lambda: self.parser,
        )
        with self.trained.shown():
            rows = labeling.label(self.world, report)
        if self.world.is_main:
            report(event_of(rows, self.label_sets, "the run itself"))
        self.world.barrier()
