"""Choose photos for the page of a card: the most confident and the most doubtful parsings."""

from bisect import insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from grapy_cli.errors import PhotoError
from grapy_cli.html.charts import LEAST_SHOWN
from grapy_cli.html.pictures import jpeg_url, layer_url
from grapy_cli.html.svg import Color
from grapy_cli.inference.parser import HumanParser
from grapy_cli.inference.parsing import Parsing
from grapy_cli.predict.outputs.photo_results import describe
from grapy_cli.predict.sources import FoundPhoto

SIDE = 480
"""Longest side of a photo on the page, in pixels."""
FEW = 12
"""Photos at each end of the order by doubt."""
CHIPS = 6
"""The largest parts are named below a photo, up to this many."""
PART_ALPHA = 215
DOUBT: Color = (220, 30, 90)
STEPS = 16
"""Shades of doubt; few shades make small pictures."""


class CardPhoto(NamedTuple):
    """One photo on the page."""

    name: str
    doubt: float
    """The share of the person that is likely wrong, in [0, 1]."""
    confidence: Mapping[str, float]
    """By label set: mean probability of the chosen parts."""
    photo: str
    """Data URL."""
    layers: Sequence[tuple[str, str]]
    """Names and data URLs of the pictures over it: one for each label set, then the doubt."""
    parts: Sequence[tuple[str, Color, str]]
    """Names, colors and shares of the largest parts, by the first label set."""


def parse_card_photos(
    parser: HumanParser, photos: Sequence[FoundPhoto]
) -> Iterator[tuple[FoundPhoto, CardPhoto | PhotoError]]:
    """Parse photos by all label sets of the weights; an unreadable photo gives its error."""
    sources = (photo.source for photo in photos)
    for photo, result in zip(photos, parser.parse_many(sources, parser.datasets), strict=True):
        if result.error:
            yield photo, result.error
        elif result.parsings:
            yield photo, _card_photo(photo.relative.as_posix(), result.parsings)


@dataclass(frozen=True)
class Album:
    """The photos of a page, chosen one by one in bounded memory."""

    photos: list[CardPhoto] = field(default_factory=list)
    """The least and the most doubtful, in order of their doubt."""
    empty: list[CardPhoto] = field(default_factory=list)
    """The first photos without a person: they have no meaningful doubt."""
    few: int = FEW

    def add(self, photo: CardPhoto) -> None:
        """Take a photo, and drop one that is no longer among the ends."""
        if not photo.parts:
            self.empty.append(photo)
            del self.empty[self.few :]
            return
        insort(self.photos, photo, key=lambda it: (it.doubt, it.name))
        if len(self.photos) > 2 * self.few:
            del self.photos[self.few]

    @property
    def groups(self) -> dict[str, Sequence[CardPhoto]]:
        """Photos by the title of their group; a few photos are one group."""
        if len(self.photos) < 2 * self.few:
            parted: dict[str, Sequence[CardPhoto]] = {"The most doubtful first": self.photos[::-1]}
        else:
            ends = (self.photos[-self.few :][::-1], self.photos[: self.few])
            parted = dict(zip(("The most doubtful", "The most confident"), ends, strict=True))
        parted["No person found"] = self.empty
        return {title: some for title, some in parted.items() if some}


def _card_photo(name: str, parsings: Mapping[str, Parsing]) -> CardPhoto:
    row, first = describe(parsings), next(iter(parsings.values()))
    photo = Image.fromarray(first.photo)
    photo.thumbnail((SIDE, SIDE))
    over = [(dataset, _parts(parsing, photo.size)) for dataset, parsing in parsings.items()]
    confidence = np.mean([parsing.confidence for parsing in parsings.values()], axis=0)
    over.append(("doubt", _doubt(np.asarray(confidence, np.float32), photo.size)))
    address = jpeg_url(photo, SIDE)
    return CardPhoto(name, row["doubt"], row["confidence"], address, over, _chips(first))


def _parts(parsing: Parsing, size: tuple[int, int]) -> str:
    inks = [(part.color, PART_ALPHA) for part in parsing.label_set.parts]
    inks[0] = (inks[0][0], 0)  # the background shows the photo
    return layer_url(_resized(parsing.label_map, size), inks)


def _doubt(confidence: Float32[np.ndarray, "h w"], size: tuple[int, int]) -> str:
    """Draw red over pixels that are likely wrong; the likelier, the more opaque."""
    steps = np.asarray(((1 - confidence) * (STEPS - 1)).round(), np.uint8)
    inks = [(DOUBT, 255 * step // (STEPS - 1)) for step in range(STEPS)]
    return layer_url(_resized(steps, size), inks)


def _chips(parsing: Parsing) -> list[tuple[str, Color, str]]:
    parts = [(parsing.shares.get(part.name, 0), part) for part in parsing.label_set.parts[1:]]
    largest = sorted(parts, key=lambda it: -it[0])[:CHIPS]
    shown = [(part, share) for share, part in largest if share >= LEAST_SHOWN]
    return [(part.name, part.color, f"{share:.1%}") for part, share in shown]


def _resized(ids: UInt8[np.ndarray, "_h _w"], size: tuple[int, int]) -> UInt8[np.ndarray, "_u _v"]:
    return np.asarray(Image.fromarray(ids).resize(size, Image.Resampling.NEAREST))
