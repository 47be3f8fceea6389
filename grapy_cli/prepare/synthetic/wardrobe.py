"""Dress a body: shapes of skin, hair, garments and bags, farthest first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from grapy_cli.prepare.synthetic.body import SIDES, Body, Point

SKIN = ((92, 58, 40), (141, 85, 54), (198, 134, 96), (224, 172, 136), (245, 208, 180))
HAIR = ((20, 16, 14), (62, 40, 26), (120, 80, 40), (205, 170, 100), (150, 150, 150))
TILE = 24  # pixels after which a pattern repeats

Color = tuple[int, ...]
Tile = UInt8[np.ndarray, "t t 3"]


class Disc(NamedTuple):
    """A round end of a shape: place and size, in fractions of the person's height."""

    at: Point
    radius: float


@dataclass(frozen=True)
class Shape:
    """The convex hull of some discs, in a fabric."""

    worn: str
    place: str
    fabric: Tile
    discs: Sequence[Disc]


def dress(body: Body, random: np.random.Generator) -> Iterator[Shape]:
    """Yield all shapes of a person, in painting order."""
    return _Outfit(body, random).shapes()


def plain(color: Color) -> Tile:
    """Return a fabric of one color."""
    return np.full((TILE, TILE, 3), color, np.uint8)


def weave(random: np.random.Generator) -> Tile:
    """Draw a fabric: plain, striped, checked, dotted or knitted, in one or two colors."""
    first, second = random.integers(10, 246, (2, 3))
    y, x = np.mgrid[:TILE, :TILE]
    width = int(random.choice([3, 4, 6]))
    patterns = (
        np.zeros((TILE, TILE), bool),
        (y // width) % 2 == 0,
        (x // width) % 2 == 0,
        ((x // width) + (y // width)) % 2 == 0,
        ((x % 8 - 4) ** 2 + (y % 8 - 4) ** 2) < 6,
        ((x + y) // width) % 2 == 0,
    )
    pattern = patterns[random.choice(6, p=(0.5, 0.14, 0.08, 0.1, 0.08, 0.1))]
    cloth = np.where(pattern[..., None], second, first) + random.normal(0, 7, (TILE, TILE, 1))
    return np.clip(cloth, 0, 255).astype(np.uint8)


class _Outfit:
    """The choices of an outfit, and its shapes."""

    def __init__(self, body: Body, random: np.random.Generator) -> None:
        self.body, self.random = body, random
        self.skin = plain(SKIN[random.integers(len(SKIN))])
        self.hair = plain(HAIR[random.integers(len(HAIR))])
        self.upper, self.lower, self.shoe = (weave(random) for _ in range(3))
        self.bottom = str(
            random.choice(["pants", "shorts", "skirt", "dress"], p=(0.5, 0.15, 0.2, 0.15))
        )
        self.sleeve = float(random.choice([0.0, 0.6, 1.5, 2.0]))  # of two bones of the arm
        self.hem = random.uniform(0.35, 0.95)  # of the way from hip to knee
        self.has_coat = self.bottom != "dress" and random.random() < 0.3
        self.outer = weave(random) if self.has_coat else self.upper

    def shapes(self) -> Iterator[Shape]:
        random = self.random
        wears = dict(
            zip(
                ("long", "hat", "glasses", "scarf", "bag", "gloves", "socks", "belt"),
                (random.random(8) < (0.4, 0.3, 0.3, 0.2, 0.4, 0.12, 0.3, 0.3)).tolist(),
                strict=True,
            )
        )
        if wears["long"] and self.body.faces_us:
            yield self._hang("hair", "head", self.hair, 0.055, 0.12)
        behind, front = (SIDES, ()) if random.random() < 0.3 else (SIDES[:1], SIDES[1:])
        for side in behind:
            yield from self._arm(side, wears["gloves"])
        for side in SIDES:
            yield from self._leg(side, wears["socks"])
        yield from self._trunk(wears["belt"])
        if wears["bag"]:
            yield from self._bag()
        for side in front:
            yield from self._arm(side, wears["gloves"])
        yield from self._head(wears)

    def _at(self, joint: str) -> Point:
        return self.body.joints[joint]

    def _between(self, first: str, second: str, share: float) -> Point:
        (x0, y0), (x1, y1) = self._at(first), self._at(second)
        return x0 + share * (x1 - x0), y0 + share * (y1 - y0)

    def _bone(
        self,
        worn: str,
        place: str,
        fabric: Tile,
        ends: tuple[Point, Point],
        radii: tuple[float, float],
    ) -> Shape:
        thick = 0.75 + 0.25 * self.body.build
        discs = [Disc(at, radius * thick) for at, radius in zip(ends, radii, strict=True)]
        return Shape(worn, place, fabric, discs)

    def _arm(self, side: str, has_gloves: bool) -> Iterator[Shape]:
        upper, lower = f"{side}-upper-arm", f"{side}-lower-arm"
        shoulder, elbow, hand = (self._at(f"{side}-{one}") for one in ("shoulder", "elbow", "hand"))
        yield self._bone("skin", upper, self.skin, (shoulder, elbow), (0.03, 0.024))
        yield self._bone("skin", lower, self.skin, (elbow, hand), (0.024, 0.019))
        worn = "coat" if self.has_coat else "dress" if self.bottom == "dress" else "top"
        sleeve = 2.0 if self.has_coat else self.sleeve
        if sleeve > 0:
            end = self._between(f"{side}-shoulder", f"{side}-elbow", min(sleeve, 1.0))
            yield self._bone(worn, upper, self.outer, (shoulder, end), (0.037, 0.032))
        if sleeve > 1:
            end = self._between(f"{side}-elbow", f"{side}-hand", 0.9 * (sleeve - 1))
            yield self._bone(worn, lower, self.outer, (elbow, end), (0.032, 0.026))
        glove = ("gloves", self.shoe) if has_gloves else ("skin", self.skin)
        yield Shape(glove[0], lower, glove[1], [Disc(hand, 0.025)])

    def _leg(self, side: str, has_socks: bool) -> Iterator[Shape]:
        upper, lower = f"{side}-upper-leg", f"{side}-lower-leg"
        hip, knee, ankle, toe = (
            self._at(f"{side}-{one}") for one in ("hip", "knee", "ankle", "toe")
        )
        covers = {"pants": 2.0, "shorts": self.hem}.get(self.bottom, 0.0)
        yield self._bone("skin", upper, self.skin, (hip, knee), (0.048, 0.036))
        yield self._bone("skin", lower, self.skin, (knee, ankle), (0.035, 0.023))
        if has_socks:
            calf = self._between(f"{side}-ankle", f"{side}-knee", 0.4)
            yield self._bone("socks", lower, self.lower, (ankle, calf), (0.025, 0.031))
        if covers:
            end = self._between(f"{side}-hip", f"{side}-knee", min(covers, 1.0))
            yield self._bone("pants", upper, self.lower, (hip, end), (0.055, 0.044))
        if covers > 1:
            yield self._bone("pants", lower, self.lower, (knee, ankle), (0.043, 0.032))
        yield self._bone("shoes", lower, self.shoe, (ankle, toe), (0.026, 0.025))

    def _trunk(self, has_belt: bool) -> Iterator[Shape]:
        build = self.body.build
        chest = [Disc(self._between(f"{side}-shoulder", "chest", 0.15), 0.04) for side in SIDES]
        waist = [Disc(self._at("waist"), 0.075 * build)]
        hips = [Disc(self._at(f"{side}-hip"), 0.05 * build) for side in SIDES]
        neck = [Disc(self._at("neck"), 0.03), Disc(self._between("neck", "head", 0.5), 0.03)]
        is_dress = self.bottom == "dress"
        if self.bottom in ("skirt", "dress"):
            worn, fabric = ("dress", self.upper) if is_dress else ("skirt", self.lower)
            flare = self.random.uniform(0.04, 0.075)
            for side in SIDES:
                hem = Disc(self._between(f"{side}-hip", f"{side}-knee", self.hem), flare)
                yield Shape(worn, f"{side}-upper-leg", fabric, [*hips, hem])
        else:
            yield Shape("pants", "torso", self.lower, hips)
        yield Shape("skin", "torso", self.skin, neck)
        worn = "dress" if is_dress else "top"
        yield Shape(worn, "torso", self.upper, [*chest, *waist, *hips])
        open_at = self._between("neck", "chest", 0.35)
        throat = [Disc(self._at("neck"), 0.028), Disc(open_at, 0.012)]
        yield Shape("skin", "torso", self.skin, throat)
        if has_belt and not self.has_coat:
            (x, y), wide = self._at("pelvis"), 0.06 * build
            ends = ((x - wide, y + 0.03, 0.014), (x + wide, y + 0.03, 0.014))
            yield self._hull("belt", "torso", self.shoe, *ends)
        if self.has_coat:
            for side in SIDES:
                corner = self._between(f"{side}-shoulder", "neck", 0.1)
                chest_at = self._between(f"{side}-shoulder", "waist", 0.6)
                end = self._between(f"{side}-hip", f"{side}-knee", self.hem * 0.5)
                discs = [Disc(corner, 0.035), Disc(end, 0.035), Disc(chest_at, 0.04)]
                yield Shape("coat", "torso", self.outer, discs)

    def _bag(self) -> Iterator[Shape]:
        side = SIDES[self.random.integers(2)]
        x, y = self._at(f"{side}-hip")
        fabric, size = weave(self.random), self.random.uniform(0.03, 0.06)
        away = size * (1.2 if x > self._at("pelvis")[0] else -1.2)
        strap = [Disc((x + away, y), 0.006), Disc(self._at(f"{side}-shoulder"), 0.006)]
        yield Shape("bag", "torso", fabric, strap)
        corners = [(dx, dy) for dx in (-size, size) for dy in (-size, size * 0.6)]
        discs = ((x + away + dx, y - 0.02 + dy, 0.01) for dx, dy in corners)
        yield self._hull("bag", "torso", fabric, *discs)

    def _head(self, wears: dict[str, bool]) -> Iterator[Shape]:
        x, y = self._at("head")
        if wears["scarf"]:
            (nx, ny), cloth = self._at("neck"), weave(self.random)
            loop = ((nx - 0.03, ny + 0.015, 0.026), (nx + 0.03, ny + 0.015, 0.026))
            end = ((nx + 0.02, ny, 0.018), (nx + 0.03, ny - 0.14, 0.02))
            yield self._hull("scarf", "torso", cloth, *loop)
            yield self._hull("scarf", "torso", cloth, *end)
        yield self._hull("hair", "head", self.hair, (x, y + 0.018, 0.062))
        if self.body.faces_us:
            oval = ((x, y + 0.005, 0.048), (x, y - 0.03, 0.033))
            yield self._hull("skin", "head", self.skin, *oval)
            aside = self.random.uniform(-0.03, 0.03)
            fringe = ((x + aside, y + 0.057, 0.018), (x - aside, y + 0.05, 0.02))
            yield self._hull("hair", "head", self.hair, *fringe)
            yield from self._face(x, y, wears["glasses"])
        elif wears["long"]:
            yield self._hang("hair", "head", self.hair, 0.055, 0.12)
        if wears["hat"]:
            felt, wide = weave(self.random), self.random.uniform(0.06, 0.1)
            brim = ((x - wide, y + 0.042, 0.01), (x + wide, y + 0.042, 0.01))
            yield self._hull("hat", "head", felt, (x, y + 0.06, 0.05), (x, y + 0.075, 0.045))
            yield self._hull("hat", "head", felt, *brim)

    def _face(self, x: float, y: float, has_glasses: bool) -> Iterator[Shape]:
        """Draw eyes and mouth, which are skin in every label set."""
        dark, lips = plain((30, 25, 25)), plain((150, 70, 70))
        for side in (-1, 1):
            eye = (x + side * 0.02, y + 0.012)
            if has_glasses:
                yield self._hull("glasses", "head", dark, (*eye, 0.015), (x, y + 0.014, 0.004))
            else:
                yield self._hull("skin", "head", dark, (*eye, 0.005))
        mouth = ((x - 0.01, y - 0.035, 0.004), (x + 0.01, y - 0.035, 0.004))
        yield self._hull("skin", "head", lips, *mouth)

    def _hull(
        self, worn: str, place: str, fabric: Tile, *discs: tuple[float, float, float]
    ) -> Shape:
        return Shape(worn, place, fabric, [Disc((x, y), radius) for x, y, radius in discs])

    def _hang(self, worn: str, place: str, fabric: Tile, radius: float, length: float) -> Shape:
        x, y = self._at("head")
        return Shape(
            worn, place, fabric, [Disc((x, y), radius), Disc((x, y - length), radius * 0.9)]
        )
