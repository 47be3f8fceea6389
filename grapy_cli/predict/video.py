"""Videos: read frame by frame, parsed, and written as videos with the times and the sound they had.

Needs the extra `video`, PyAV.
"""

import errno
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from grapy_cli.errors import PhotoError
from grapy_cli.files import replacing
from grapy_cli.predict.films import FILMS, Film
from grapy_cli.predict.outputs import Kind
from grapy_cli.predict.parsing import Parsing
from grapy_cli.predict.results import describe

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.stream import Stream
    from av.video.frame import VideoFrame

Parse = Callable[[UInt8[np.ndarray, "h w 3"]], Mapping[str, Parsing]]

_SOUNDS_OF_MP4 = frozenset({"aac", "mp3", "ac3", "eac3", "opus", "flac", "alac"})


class Frame(NamedTuple):
    """One picture of a video."""

    pixels: UInt8[np.ndarray, "h w 3"]
    """RGB, upright."""
    time: Fraction
    """Seconds, by the video's own clock."""


def parse_video(
    path: Path,
    parse: Parse,
    films: Mapping[Path, Kind],
    stop_asked: Callable[[], bool],
    tell: Callable[[int], None] = lambda frames: None,
) -> dict[str, Any] | None:
    """Parse a video and write its films, all of them or none.

    Args:
        path: Of the video.
        parse: Parses one frame.
        films: What is written where, each kind one of `FILMS`.
        stop_asked: Asked after every frame.
        tell: Hears how many frames are done.

    Returns:
        Its row of the manifest, numbers being the means over its frames; None if it was stopped.

    Raises:
        PhotoError: If the video cannot be read, or the extra is missing.
        OSError: If a film cannot be written.
    """
    try:
        with _errors_told(path), ExitStack() as stack:
            writers: dict[Path, FilmWriter] = {}
            sums: dict[str, Any] = {}
            count = 0
            for frame in read_frames(path):
                parsings = parse(frame.pixels)
                for target, kind in films.items():
                    film = FILMS[kind.save]
                    if target not in writers:
                        writer = FilmWriter(stack.enter_context(replacing(target)), film, path)
                        writers[target] = stack.enter_context(writer.writing())
                    writers[target].add(film.draw(kind.layer(parsings)), frame.time)
                _add_up(sums, describe(parsings))
                count += 1
                tell(count)
                if stop_asked():
                    raise _StoppedError
            if not count:
                raise PhotoError(f"the video {path} has no frames")
    except _StoppedError:
        return None
    means = _means(sums, count)
    size = {side: round(means[side]) for side in ("width", "height")}
    return {**means, **size, "frames": count}


def read_frames(path: Path) -> Iterator[Frame]:
    """Read a video, a frame at a time; of two frames for one moment the first counts."""
    with _opened(path) as container:
        rate = container.streams.video[0].average_rate or 25
        last: Fraction | None = None
        for frame in container.decode(video=0):
            if frame.pts is not None and frame.time_base is not None:
                time = frame.pts * frame.time_base
            else:
                time = Fraction(0) if last is None else last + 1 / Fraction(rate)
            if last is None or time > last:
                last = time
                yield Frame(_upright(frame), time)


class _StoppedError(Exception):
    """Leaves the films, so that none of them is kept."""


class FilmWriter:
    """Writes pictures as a video.

    Args:
        path: The file.
        film: How.
        sound_of: The video the sound is taken from, unless the film is exact.
    """

    def __init__(self, path: Path, film: Film, sound_of: Path) -> None:
        self._path = path
        self._film = film
        self._sound_of = sound_of
        self._stream: Any = None
        self._sound: Iterator[Fraction] = iter(())
        self._sound_time: Fraction | None = None

    @contextmanager
    def writing(self) -> Iterator["FilmWriter"]:
        """Open the film; it is whole when the block ends well."""
        import av

        kind = "matroska" if self._film.exact else "mp4"
        with ExitStack() as stack:
            self._container = stack.enter_context(av.open(str(self._path), "w", format=kind))
            if not self._film.exact:
                source = stack.enter_context(_opened(self._sound_of))
                self._sound = _copy_sound(source, self._container)
                self._sound_time = next(self._sound, None)
            yield self
            if self._stream is not None:
                self._container.mux(self._stream.encode(None))
            self._catch_up(None)

    def add(self, picture: Image.Image, time: Fraction) -> None:
        """Add a frame that is shown from a moment on, seconds."""
        import av

        pixels = np.asarray(picture)
        if not self._film.exact:  # what players play has sides of even length
            height, width = pixels.shape[:2]
            pixels = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
        if self._stream is None:
            self._stream = _add_pictures(self._container, self._film, pixels.shape)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")
        frame.time_base = _CLOCK
        frame.pts = round(time / _CLOCK)
        self._catch_up(time)
        self._container.mux(self._stream.encode(frame))

    def _catch_up(self, time: Fraction | None) -> None:
        """Write the sound up to a moment, or the rest, so that none of it piles up."""
        while self._sound_time is not None and (time is None or self._sound_time <= time):
            self._sound_time = next(self._sound, None)


_CLOCK = Fraction(1, 90_000)
"""Seconds of a tick of the films, as in broadcasting: all usual frame rates are whole there."""


def _add_pictures(container: "OutputContainer", film: Film, shape: tuple[int, ...]) -> Any:  # noqa: ANN401
    import av

    played = "libx264" if "libx264" in av.codecs_available else "mpeg4"
    stream: Any = container.add_stream("ffv1" if film.exact else played, rate=30)
    stream.height, stream.width = shape[:2]
    stream.pix_fmt = "bgr0" if film.exact else "yuv420p"
    stream.time_base = stream.codec_context.time_base = _CLOCK
    return stream


def _copy_sound(source: "InputContainer", target: "OutputContainer") -> Iterator[Fraction]:
    """Copy the first sound track, as it is where MP4 can hold it; give the moment of each piece."""
    for track in source.streams.audio[:1]:
        if track.codec_context.name in _SOUNDS_OF_MP4:
            copy: Stream = target.add_stream_from_template(track)
            for packet in source.demux(track):
                if packet.dts is not None:
                    yield Fraction(packet.dts * packet.time_base)
                    packet.stream = copy
                    target.mux(packet)
            return
        encoded = target.add_stream("aac", rate=track.rate)
        for frame in source.decode(track):
            yield Fraction((frame.pts or 0) * frame.time_base)
            target.mux(encoded.encode(frame))
        target.mux(encoded.encode(None))


@contextmanager
def _opened(path: Path) -> Iterator["InputContainer"]:
    import av

    with av.open(str(path)) as container:
        if not container.streams.video:
            raise PhotoError(f"the video {path} has no pictures")
        yield container


@contextmanager
def _errors_told(path: Path) -> Iterator[None]:
    """Say what is wrong with a video; a full disk is no fault of its own."""
    try:
        import av
    except ImportError as error:
        raise PhotoError(
            f"the video {path} cannot be read without the extra video: "
            "pip install 'grapy-cli[video]'"
        ) from error
    try:
        yield
    except av.FFmpegError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OSError(error.errno, error.strerror) from error
        raise PhotoError(f"the video {path} cannot be read: {error.strerror}") from error


def _upright(frame: "VideoFrame") -> UInt8[np.ndarray, "h w 3"]:
    """The pixels as a player shows them; phones film on their side and note the angle."""
    turns = round(frame.rotation / 90)
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), turns))


def _add_up(sums: dict[str, Any], row: Mapping[str, Any]) -> None:
    for key, value in row.items():
        if isinstance(value, Mapping):
            _add_up(sums.setdefault(key, {}), value)
        else:
            sums[key] = sums.get(key, 0) + value


def _means(sums: Mapping[str, Any], count: int) -> dict[str, Any]:
    return {
        key: _means(value, count) if isinstance(value, Mapping) else round(value / count, 6)
        for key, value in sums.items()
    }
