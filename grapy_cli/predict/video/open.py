"""Open videos; needs PyAV, the extra `video`."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.container import InputContainer

FORMATS = "mov,mp4,m4v,matroska,webm,avi,mpeg,mpegvideo,mpegts,asf,h264,hevc"
"""FFmpeg's names of the formats that videos are read in."""


def open_video(path: Path) -> "InputContainer":
    """Open a video, in one of the formats of videos and without other files that it names.

    The file may be a playlist, which would make FFmpeg read other files or addresses. Names in it
    that are not text are decoded as far as possible.

    Raises av.FFmpegError if it cannot be read.
    """
    import av

    only = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
    return av.open(f"file:{path.absolute()}", options=only, metadata_errors="replace")
