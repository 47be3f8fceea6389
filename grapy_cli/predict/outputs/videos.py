"""The results of a video: each kind of result is a separate video."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from PIL import Image

from grapy_cli.errors import SettingsError
from grapy_cli.predict.outputs.kinds import Kind
from grapy_cli.predict.outputs.remap import Layer


@dataclass(frozen=True)
class VideoOutput:
    """How the frames of one kind of result are drawn and encoded."""

    suffix: str
    draw: Callable[[Layer], Image.Image]
    """Returns a picture of the frame's size."""
    exact: bool = False
    """Whether each pixel keeps its exact color; otherwise it is compressed and has sound."""


def as_video(kind: Kind) -> Kind:
    """What a kind of result is for a video: a video where it can be one, else as of a photo."""
    if kind.save not in VIDEO_OUTPUTS:
        return kind
    return replace(kind, output=replace(kind.output, suffix=VIDEO_OUTPUTS[kind.save].suffix))


def check_video_outputs(save: Iterable[str]) -> None:
    """Make sure that these kinds of results can be videos.

    Raises:
        SettingsError: If one cannot.
    """
    for what in save:
        if what not in VIDEO_OUTPUTS:
            raise SettingsError(
                f"{what} cannot be written for a video",
                hint=f"--save {','.join(VIDEO_OUTPUTS)} can; "
                "parse videos and photos in separate runs.",
            )


VIDEO_OUTPUTS: Mapping[str, VideoOutput] = {
    "mask": VideoOutput(".mkv", Layer.color, exact=True),
    "color": VideoOutput(".mp4", Layer.color),
    "overlay": VideoOutput(".mp4", partial(Layer.overlay, legend=False)),
    "contours": VideoOutput(".mp4", Layer.contours),
}
"""By its name in `--save`."""
