"""How a photo becomes the picture that a network takes, and where it lies in the logits."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from grapy_cli.inference.frame import Frame, Size, half_pixels

Photo = UInt8[np.ndarray, "_h _w 3"]


@runtime_checkable
class PhotoFit(Protocol):
    """The rule of a network that chooses the size of its photos."""

    def size(self, photo: Size) -> Size:
        """Return the size of the picture for a photo of that size."""

    def picture(self, photo: Photo) -> Photo:
        """Return the picture, RGB."""

    def frame(self, photo: Size, grid: Size) -> Frame:
        """Say where a photo lies on a grid of logits."""


@dataclass(frozen=True)
class Stretch:
    """Resizes photos of any shape to one size."""

    height: int
    width: int
    resample: str = "bilinear"
    """Name of a filter of Pillow's, in lower case."""

    def size(self, photo: Size) -> Size:
        """Return the one size."""
        return self.height, self.width

    def picture(self, photo: Photo) -> Photo:
        """Resize a photo."""
        how = Image.Resampling[self.resample.upper()]
        return np.asarray(Image.fromarray(photo).resize((self.width, self.height), how))

    def frame(self, photo: Size, grid: Size) -> Frame:
        """The whole photo is seen, edge to edge."""
        return half_pixels(photo, grid)


@dataclass(frozen=True)
class Letterbox:
    """Resizes photos into one size, their shape kept, centered, with black beside them.

    The corner pixels of the longer side become corner pixels of the picture.

    Source: the affine transform of SCHP's extractor.
    """

    height: int
    width: int

    def size(self, photo: Size) -> Size:
        """Return the one size."""
        return self.height, self.width

    def picture(self, photo: Photo) -> Photo:
        """Place a photo."""
        scale, (down, across) = self._placement((photo.shape[0], photo.shape[1]))
        matrix = np.array([[scale, 0, across], [0, scale, down]], np.float64)
        placed = cv2.warpAffine(photo, matrix, (self.width, self.height), flags=cv2.INTER_LINEAR)
        return np.asarray(placed)

    def frame(self, photo: Size, grid: Size) -> Frame:
        """Leave the black out. Corners of picture and grid coincide."""
        scale, (down, across) = self._placement(photo)
        rows = (grid[0] - 1) / max(1, self.height - 1)
        columns = (grid[1] - 1) / max(1, self.width - 1)
        bottom, right = (scale * (pixels - 1) for pixels in photo)
        return Frame(
            down * rows, across * columns, (down + bottom) * rows, (across + right) * columns
        )

    def _placement(self, photo: Size) -> tuple[float, tuple[float, float]]:
        """Pixels of the picture for one of the photo, and where the photo's first one comes."""
        height, width = (max(1, side - 1) for side in photo)
        scale = min((self.height - 1) / height, (self.width - 1) / width)
        down, across = (
            (room - 1 - scale * (pixels - 1)) / 2
            for room, pixels in zip((self.height, self.width), photo, strict=True)
        )
        return scale, (down, across)
