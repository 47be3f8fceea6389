"""Opening videos. Needs the extra `video`, PyAV."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.container import InputContainer

FORMATS = "mov,mp4,m4v,matroska,webm,avi,mpeg,mpegvideo,mpegts,asf,h264,hevc"
"""FFmpeg's names of what a file called a video is read as."""


def open_video(path: Path) -> "InputContainer":
    """Open a video: a file in one of the formats of videos, and nothing else that it names.

    What is called a video may be a playlist, which would have other files read, or addresses.
    Names in it that are no text are taken as they can be.

    Raises av.FFmpegError if it cannot be read.
    """
    import av

    only = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
    return av.open(f"file:{path.absolute()}", options=only, metadata_errors="replace")
