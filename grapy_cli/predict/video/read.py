"""Parse videos frame by frame, and write videos with the same times and sound.

Needs the extra `video`, PyAV.
"""

import errno
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import UInt8

from grapy_cli.atomic import replacing
from grapy_cli.errors import PhotoError, install_extra
from grapy_cli.inference.stream import Parsings
from grapy_cli.predict.outputs.kinds import Kind
from grapy_cli.predict.outputs.photo_results import Results, describe
from grapy_cli.predict.outputs.videos import VIDEO_OUTPUTS
from grapy_cli.predict.video.open import open_video
from grapy_cli.predict.video.write import VideoWriter
from grapy_cli.runtime.reporting import Progressed, Reporter, silence

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_TICKS = 1_000_000  # FFmpeg's, of a second
LARGEST_FRAME = 1 << 27
"""Pixels; frames of 8K video have a quarter of this."""


class Frame(NamedTuple):
    """One frame of a video."""

    pixels: UInt8[np.ndarray, "h w 3"]
    """RGB, upright."""
    time: Fraction
    """Seconds, by the video's own clock."""


def parse_video(
    path: Path,
    parse: Callable[[Iterable[Frame]], Generator[tuple[Frame, Parsings], None, None]],
    results: Results,
    name: PurePosixPath,
    stop_asked: Callable[[], bool],
    report: Reporter = silence,
) -> dict[str, Any] | None:
    """Parse a video and write its videos, all of them or none.

    Args:
        parse: Parses frames, and gives each with its parsings, in order.
        results: What is written; kinds that cannot be videos are written for the first frame.
        stop_asked: Called after every frame.

    Returns:
        Files and numbers for its row of the manifest, the means over its frames; None if it was
        stopped.

    Raises:
        PhotoError: If the video cannot be read, or the extra is missing.
        OSError: If a video cannot be written.
    """
    videos = {
        kind.paths(results.out, name)[0]: kind
        for kind in results.kinds
        if kind.save in VIDEO_OUTPUTS
    }
    stills = Results(
        results.out, [kind for kind in results.kinds if kind.save not in VIDEO_OUTPUTS]
    )
    sums: dict[str, Any] = {}
    count, first = 0, None
    try:
        with (
            video_errors(path),
            _open_outputs(videos, path) as add,
            closing(parse(read_frames(path))) as parsed,
        ):
            total = expect_frames(path)
            for frame, parsings in parsed:
                add(parsings, frame.time)
                _add_up(sums, describe(parsings))
                count, first = count + 1, first or parsings
                if count < total:  # at the end the row of the video is reported
                    report(Progressed(f"parsing {path.name}", count, total))
                if stop_asked():
                    raise _StoppedError
            if first is None:
                raise PhotoError(f"the video {path} has no frames")
    except _StoppedError:
        return None
    files = [video.relative_to(results.out).as_posix() for video in videos]
    means = _means(sums, count)
    size = {side: round(means[side]) for side in ("width", "height")}
    return {"files": files + stills.write(first, name), **means, **size, "frames": count}


class _StoppedError(Exception):
    """Ends the writing, so that no video is kept."""


@contextmanager
def _open_outputs(
    videos: Mapping[Path, Kind], path: Path
) -> Iterator[Callable[[Parsings, Fraction], None]]:
    """Give a function that adds a frame to all videos; the first frame opens them."""
    writers: dict[Path, VideoWriter] = {}
    with ExitStack() as stack:

        def add(parsings: Parsings, time: Fraction) -> None:
            for target, kind in videos.items():
                output = VIDEO_OUTPUTS[kind.save]
                if target not in writers:
                    writer = VideoWriter(stack.enter_context(replacing(target)), output, path)
                    writers[target] = stack.enter_context(writer.writing())
                writers[target].add(output.draw(kind.layer(parsings)), time)

        yield add


def expect_frames(path: Path) -> int:
    """Return the number of frames, or an estimate from the length; 0 if unknown."""
    with open_video(path) as container:
        stream = next(iter(container.streams.video), None)
        if stream is None:
            return 0
        seconds = (container.duration or 0) / _TICKS
        return stream.frames or round(seconds * (stream.average_rate or 0))


def read_frames(path: Path) -> Iterator[Frame]:
    """Read a video frame by frame; of two frames for one moment the first counts."""
    with open_video(path) as container:
        if not container.streams.video:
            raise PhotoError(f"the file {path} has no video")
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


@contextmanager
def video_errors(path: Path) -> Iterator[None]:
    """Return the error of a video; a full disk is not its fault."""
    try:
        import av
    except ImportError as error:
        raise PhotoError(
            f"the video {path} cannot be read without the extra video",
            hint=install_extra("video"),
        ) from error
    try:
        yield
    except av.FFmpegError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OSError(error.errno, error.strerror) from error
        raise PhotoError(f"the video {path} cannot be read: {error.strerror}") from error


def _upright(frame: "VideoFrame") -> UInt8[np.ndarray, "h w 3"]:
    """Return the pixels as a player shows them; phones record sideways and store the angle."""
    if frame.width * frame.height > LARGEST_FRAME:
        raise PhotoError(
            f"its frames have {frame.width} x {frame.height} pixels, which is too large to read"
        )
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
