"""Photos as weights parse them: those they are surest of, and those they doubt most."""

from bisect import insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from grapy_cli.errors import PhotoError
from grapy_cli.html.elements import Color
from grapy_cli.html.pictures import jpeg_address, see_through
from grapy_cli.inference.parser import HumanParser
from grapy_cli.inference.parsing import Parsing
from grapy_cli.predict.outputs.photo_results import describe
from grapy_cli.predict.sources import FoundPhoto

SIDE = 480
"""Pixels of the longest side of a photo on the page."""
FEW = 12
"""Photos shown from either end."""
CHIPS = 6
"""Parts named below a photo: the largest."""
PART_ALPHA = 215
DOUBT: Color = (220, 30, 90)
STEPS = 16
"""Shades of doubt: so few make small pictures."""


class CardPhoto(NamedTuple):
    """One photo as it is shown."""

    name: str
    doubt: float
    """What share of the person is likely wrong, in [0, 1]."""
    confidence: Mapping[str, float]
    """By label set: mean probability of what was decided."""
    photo: str
    """Address of the picture."""
    layers: Sequence[tuple[str, str]]
    """Names and addresses of what lies over it: a layer for each label set, and the doubt."""
    parts: Sequence[tuple[str, Color, str]]
    """Names, colours and shares of the largest parts, by the first label set."""


def parse_card_photos(
    parser: HumanParser, photos: Sequence[FoundPhoto]
) -> Iterator[tuple[FoundPhoto, CardPhoto | PhotoError]]:
    """Parse photos by all label sets the weights know; one that cannot be read gives its error."""
    sources = (photo.source for photo in photos)
    for photo, result in zip(photos, parser.parse_many(sources, parser.datasets), strict=True):
        if result.error:
            yield photo, result.error
        elif result.parsings:
            yield photo, _shot(photo.relative.as_posix(), result.parsings)


@dataclass(frozen=True)
class Album:
    """The photos a page shows, of however many."""

    shots: list[CardPhoto] = field(default_factory=list)
    """Those of least and of greatest doubt, in that order."""
    nobody: list[CardPhoto] = field(default_factory=list)
    """The first of those in which nobody was found: nothing in them can be doubted."""
    few: int = FEW

    def add(self, shot: CardPhoto) -> None:
        """Take a photo in, and let go of one that is no longer wanted."""
        if not shot.parts:
            self.nobody.append(shot)
            del self.nobody[self.few :]
            return
        insort(self.shots, shot, key=lambda it: (it.doubt, it.name))
        if len(self.shots) > 2 * self.few:
            del self.shots[self.few]

    @property
    def groups(self) -> dict[str, Sequence[CardPhoto]]:
        """Those to be shown together, by what they are; a few photos are not parted."""
        if len(self.shots) < 2 * self.few:
            parted: dict[str, Sequence[CardPhoto]] = {"The most doubtful first": self.shots[::-1]}
        else:
            ends = (self.shots[-self.few :][::-1], self.shots[: self.few])
            parted = dict(zip(("The most doubtful", "The surest"), ends, strict=True))
        parted["Nobody found"] = self.nobody
        return {title: some for title, some in parted.items() if some}


def _shot(name: str, parsings: Mapping[str, Parsing]) -> CardPhoto:
    row, first = describe(parsings), next(iter(parsings.values()))
    photo = Image.fromarray(first.photo)
    photo.thumbnail((SIDE, SIDE))
    over = [(dataset, _parts(parsing, photo.size)) for dataset, parsing in parsings.items()]
    confidence = np.mean([parsing.confidence for parsing in parsings.values()], axis=0)
    over.append(("doubt", _doubt(np.asarray(confidence, np.float32), photo.size)))
    address = jpeg_address(photo, SIDE)
    return CardPhoto(name, row["doubt"], row["confidence"], address, over, _chips(first))


def _parts(parsing: Parsing, size: tuple[int, int]) -> str:
    inks = [(part.color, PART_ALPHA) for part in parsing.label_set.parts]
    inks[0] = (inks[0][0], 0)  # the background shows the photo
    return see_through(_resized(parsing.label_map, size), inks)


def _doubt(confidence: Float32[np.ndarray, "h w"], size: tuple[int, int]) -> str:
    """Red where the parsings are likely wrong, the more the likelier."""
    steps = np.asarray(((1 - confidence) * (STEPS - 1)).round(), np.uint8)
    inks = [(DOUBT, 255 * step // (STEPS - 1)) for step in range(STEPS)]
    return see_through(_resized(steps, size), inks)


def _chips(parsing: Parsing) -> list[tuple[str, Color, str]]:
    parts = [(parsing.shares.get(part.name, 0), part) for part in parsing.label_set.parts[1:]]
    largest = sorted(parts, key=lambda it: -it[0])[:CHIPS]
    return [(part.name, part.color, f"{share:.1%}") for share, part in largest if share]


def _resized(ids: UInt8[np.ndarray, "_h _w"], size: tuple[int, int]) -> UInt8[np.ndarray, "_u _v"]:
    return np.asarray(Image.fromarray(ids).resize(size, Image.Resampling.NEAREST))
