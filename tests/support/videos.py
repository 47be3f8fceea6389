"""Videos made on the spot."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

MILLISECOND = Fraction(1, 1000)


def write_video(
    path: Path,
    pictures: Sequence[np.ndarray],
    times: Sequence[int] | None = None,
    *,
    sound: str | None = None,
    turned: int = 0,
) -> Path:
    """Write a lossless video of pictures of equal size.

    Args:
        path: Its ending says in which container.
        pictures: RGB.
        times: Of each picture, milliseconds; every 40 by default.
        sound: Codec of a tone as long as the video; none by default.
        turned: Degrees a player turns it counter-clockwise.
    """
    import av

    times = times or range(0, 40 * len(pictures), 40)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "bgr0"
        stream.time_base = stream.codec_context.time_base = MILLISECOND
        if turned:
            stream.set_display_rotation(turned)
        tone = container.add_stream(sound, rate=8000) if sound else None
        for picture, time in zip(pictures, times, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = time, MILLISECOND
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if tone:
            _add_tone(container, tone, (times[-1] + 40) / 1000)
    return path


def read_video(path: Path) -> tuple[list[np.ndarray], list[float]]:
    """The pictures of a video, RGB, and their times in seconds."""
    import av

    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    return [frame.to_ndarray(format="rgb24") for frame in frames], [one.time for one in frames]


def read_sound(path: Path) -> tuple[str, float] | None:
    """The codec of a video's sound, and its length in seconds; none if it is silent."""
    import av

    with av.open(str(path)) as container:
        if not container.streams.audio:
            return None
        track = container.streams.audio[0]
        samples = sum(frame.samples for frame in container.decode(track))
        return track.codec_context.name, samples / track.rate


def _add_tone(container, tone, seconds: float) -> None:
    import av

    wave = (8000 * np.sin(np.arange(int(8000 * seconds)) / 10)).astype(np.int16)
    for start in range(0, len(wave), 400):
        frame = av.AudioFrame.from_ndarray(wave[None, start : start + 400], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 8000, start, Fraction(1, 8000)
        container.mux(tone.encode(frame))
    container.mux(tone.encode(None))
