"""Explain why a release or one of its folders cannot be used, and what it holds instead."""

from collections.abc import Collection, Sequence

from grapy_cli.errors import DatasetError
from grapy_cli.image_io.archive import Place, is_archive_name
from grapy_cli.image_io.formats import LABEL_ADVICE, NO_LABELS
from grapy_cli.image_io.names import is_clutter
from grapy_cli.prepare.stock import Stock, suffix_of
from grapy_cli.safe_text import spelled

NESTED_ADVICE = (
    "Put all photos into images and all label maps into labels, without folders in them, "
    "or sort both into folders train, val and test."
)
NAME_ADVICE = "A label map has the name of its photo: images/a.jpg, labels/a.png."
LIST_ADVICE = "A list has one photo a line, such as a, a.jpg or images/a.jpg; or remove the lists."


def lack(folder: Place, name: str) -> tuple[str, str]:
    """Say what a release lacks, and what to do about it; the second may be empty.

    Args:
        name: Of the folder of photos or label maps.
    """
    place = folder / name
    if place.is_dir():
        words, advice = _content(place)
        return f"{place} {words}", advice
    packed = sorted(one.name for one in _inside(place.parent) if _is_packed(one.name, place.name))
    if packed:
        return f"{folder} lacks {name}: {packed[0]} is not unpacked", f"Unpack {packed[0]}."
    return f"{folder} lacks {name}", ""


def nothing_usable(folder: Place, shelves: Sequence[tuple[Stock, Collection[str]]]) -> DatasetError:
    """Say why none of the photos of a release can be used.

    Args:
        shelves: Their files, with the keys that lists name.
    """
    reasons = [_reason(stock, listed) for stock, listed in shelves]
    found = "; ".join(dict.fromkeys(reason for reason, _ in reasons))
    advice = next((advice for _, advice in reasons if advice), "")
    return DatasetError(f"nothing in {folder} can be used: {found}", hint=advice)


def _reason(stock: Stock, listed: Collection[str]) -> tuple[str, str]:
    photos, labels = stock.photos.names, stock.labels.names
    if not photos:
        words, advice = _content(stock.folders.photos, "photos")
        return f"{stock.folders.photos} {words}", advice
    if not labels:
        words, advice = _content(stock.folders.labels)
        return f"{stock.folders.labels} {words}", advice
    if not set(photos) & set(labels):
        ones, others = some(photos.values()), some(labels.values())
        return f"no label map has the name of a photo: photos are {ones}; label maps {others}", (
            NAME_ADVICE
        )
    if not set(listed) & set(photos):
        return f"the lists name {some(listed)}, but photos are {some(photos.values())}", LIST_ADVICE
    return "no listed photo has a label map", NAME_ADVICE


def some(names: Collection[str], most: int = 8) -> str:
    """Name the first few."""
    shown = [spelled(name) for name in sorted(names)]
    return ", ".join(shown[:most]) + (", ..." if len(shown) > most else "")


def _content(place: Place, wanted: str = "label maps") -> tuple[str, str]:
    """Say what a folder holds instead of the wanted files, and what to do."""
    inside = [one for one in _inside(place) if not is_clutter(one.name)]
    folders = [one.name for one in inside if one.is_dir()]
    refused = [one.name for one in inside if suffix_of(one.name) in NO_LABELS]
    if refused and wanted != "photos":
        first = min(refused)
        why = NO_LABELS[suffix_of(first)]
        words = f"holds {len(refused)} files such as {first}, but no label maps: {why}"
        return words, f"{LABEL_ADVICE} Export them again: a conversion cannot restore the ids."
    if folders:
        return f"holds folders ({some(folders)}), but no {wanted}", NESTED_ADVICE
    if inside:
        names = some([one.name for one in inside], 3)
        return f"holds no {wanted}, only {names}", ""
    return "is empty", ""


def _is_packed(name: str, wanted: str) -> bool:
    return is_archive_name(name) and name.split(".")[0] == wanted


def _inside(folder: Place) -> list[Place]:
    return list(folder.iterdir()) if folder.is_dir() else []
