"""Write videos: frames with their times, and the sound of the source.

Needs the extra `video`, PyAV.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from grapy_cli.predict.outputs.videos import VideoOutput
from grapy_cli.predict.video.open import open_video

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer

_SOUNDS_OF_MP4 = frozenset({"aac", "mp3", "ac3", "eac3", "opus", "flac", "alac"})


class VideoWriter:
    """Writes pictures as a video.

    Args:
        sound_of: The video that the sound is copied from, unless the output is exact.
    """

    def __init__(self, path: Path, output: VideoOutput, sound_of: Path) -> None:
        self._path = path
        self._output = output
        self._sound_of = sound_of
        self._stream: Any = None
        self._sound: Iterator[Fraction] = iter(())
        self._sound_time: Fraction | None = None

    @contextmanager
    def writing(self) -> Iterator["VideoWriter"]:
        """Open the video; it is complete when the block ends without an error."""
        import av

        kind = "matroska" if self._output.exact else "mp4"
        with ExitStack() as stack:
            self._container = stack.enter_context(av.open(str(self._path), "w", format=kind))
            if not self._output.exact:
                source = stack.enter_context(open_video(self._sound_of))
                self._sound = _copy_sound(source, self._container)
                self._sound_time = next(self._sound, None)
            yield self
            if self._stream is not None:
                self._container.mux(self._stream.encode(None))
            self._catch_up(None)

    def add(self, picture: Image.Image, time: Fraction) -> None:
        """Add a frame that is shown from a time on, seconds."""
        import av

        pixels = np.asarray(picture)
        if not self._output.exact:  # players need sides of even length
            height, width = pixels.shape[:2]
            pixels = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
        if self._stream is None:
            self._stream = _add_pictures(self._container, self._output, pixels.shape)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")
        frame.time_base = _CLOCK
        frame.pts = round(time / _CLOCK)
        self._catch_up(time)
        self._container.mux(self._stream.encode(frame))

    def _catch_up(self, time: Fraction | None) -> None:
        """Write the sound up to a time, or the rest, so that memory stays bounded."""
        while self._sound_time is not None and (time is None or self._sound_time <= time):
            self._sound_time = next(self._sound, None)


_CLOCK = Fraction(1, 90_000)
"""Time base of the videos, seconds: all usual frame rates are whole in it."""


def _add_pictures(container: "OutputContainer", output: VideoOutput, shape: tuple[int, ...]) -> Any:  # noqa: ANN401
    import av

    played = "libx264" if "libx264" in av.codecs_available else "mpeg4"
    stream: Any = container.add_stream("ffv1" if output.exact else played, rate=30)
    stream.height, stream.width = shape[:2]
    stream.pix_fmt = "bgr0" if output.exact else "yuv420p"
    stream.time_base = stream.codec_context.time_base = _CLOCK
    return stream


def _copy_sound(source: "InputContainer", target: "OutputContainer") -> Iterator[Fraction]:
    """Copy the first sound track, unchanged if MP4 supports it; give the time of each packet."""
    for track in source.streams.audio[:1]:
        if track.codec_context.name in _SOUNDS_OF_MP4:
            copy: Any = target.add_stream_from_template(track)
            for packet in source.demux(track):
                if packet.dts is not None:
                    yield Fraction(packet.dts * packet.time_base)
                    packet.stream = copy
                    target.mux(packet)
            return
        encoded = target.add_stream("aac", rate=track.rate)
        for frame in source.decode(track):
            yield Fraction((frame.pts or 0) * (frame.time_base or 0))
            target.mux(encoded.encode(frame))
        target.mux(encoded.encode(None))
