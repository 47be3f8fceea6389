"""Degrade photos: blurred, noisy, dark, rotated, cropped, far away."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

Truths = Mapping[str, np.ndarray]
"""Label maps by label set, with the size of the photo."""


@dataclass(frozen=True)
class Spoiler:
    """Degrades photos and, where the person moves, the truth in the same way."""

    random: np.random.Generator
    scenes: Sequence[np.ndarray]
    """Photos without a person, RGB."""

    def blur(self, photo: np.ndarray, truths: Truths) -> tuple[np.ndarray, Truths]:
        return cv2.GaussianBlur(photo, (0, 0), self.random.uniform(2, 8)), truths

    def noise(self, photo: np.ndarray, truths: Truths) -> tuple[np.ndarray, Truths]:
        noise = self.random.normal(0, self.random.uniform(15, 70), photo.shape)
        return (photo + noise).clip(0, 255).astype(np.uint8), truths

    def dark(self, photo: np.ndarray, truths: Truths) -> tuple[np.ndarray, Truths]:
        return (photo * self.random.uniform(0.08, 0.4)).astype(np.uint8), truths

    def rotate(self, photo: np.ndarray, truths: Truths) -> tuple[np.ndarray, Truths]:
        """Rotate by 30 to 180 degrees; the corners become black background."""
        height, width = photo.shape[:2]
        angle = self.random.uniform(30, 180) * self.random.choice([-1, 1])
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1)

        def turned(image: np.ndarray, how: int) -> np.ndarray:
            return cv2.warpAffine(image, matrix, (width, height), flags=how)

        return turned(photo, cv2.INTER_LINEAR), {
            name: turned(truth, cv2.INTER_NEAREST) for name, truth in truths.items()
        }

    def crop(self, photo: np.ndarray, truths: Truths) -> tuple[np.ndarray, Truths]:
        """Keep only the upper body."""
        height, width = photo.shape[:2]
        bottom, side = int(height * self.random.uniform(0.3, 0.55)), int(width * 0.12)
        cut = np.s_[:bottom, side : width - side]
        return photo[cut].copy(), {name: truth[cut].copy() for name, truth in truths.items()}

    def far(self, photo: np.ndarray, truths: Truths) -> tuple[np.ndarray, Truths]:
        """Put the photo, made smaller, on a photo without a person."""
        height, width = photo.shape[:2]
        scale = self.random.uniform(0.2, 0.5)
        size = (int(width * scale), int(height * scale))
        scene = self.scenes[self.random.integers(len(self.scenes))]
        left, top = (
            self.random.integers(0, width - size[0]),
            self.random.integers(0, height - size[1]),
        )
        at = np.s_[top : top + size[1], left : left + size[0]]

        def put(image: np.ndarray, on: np.ndarray, how: int) -> np.ndarray:
            on[at] = cv2.resize(image, size, interpolation=how)
            return on

        return put(photo, cv2.resize(scene, (width, height)), cv2.INTER_AREA), {
            name: put(truth, np.zeros_like(truth), cv2.INTER_NEAREST)
            for name, truth in truths.items()
        }

    @property
    def ways(self) -> dict[str, Callable[[np.ndarray, Truths], tuple[np.ndarray, Truths]]]:
        """All methods; without scenes, only those that need none."""
        ways = [self.blur, self.noise, self.dark, self.rotate, self.crop]
        return {way.__name__: way for way in ([*ways, self.far] if self.scenes else ways)}
