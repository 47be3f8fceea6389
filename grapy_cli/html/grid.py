"""A grid of photos with their parts laid over them: to sort, to filter, and to open one large."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from grapy_cli.html import slider, viewer
from grapy_cli.html.elements import Color

STYLE = f"""
{slider.STYLE}
{viewer.STYLE}
button, select {{ font: inherit; color: inherit; background: var(--card); border-radius: 6px;
  border: 1px solid var(--line); padding: .15rem .6rem; cursor: pointer }}
button:focus-visible, select:focus-visible {{ outline: 2px solid var(--bar); outline-offset: 2px }}
.controls {{ display: flex; flex-wrap: wrap; gap: .5rem 1.2rem; align-items: center;
  margin: 1rem 0 .7rem }}
.picks {{ display: flex; flex-wrap: wrap; gap: .35rem; font-size: 13px }}
.picks i {{ display: inline-block; width: .8em; height: .8em; border-radius: 2px;
  margin-right: .35em; border: 1px solid var(--line); vertical-align: -.05em }}
.picks button[aria-pressed=true] {{ background: var(--bar); border-color: var(--bar);
  color: var(--paper) }}
#grid {{ display: grid; gap: .7rem; margin-top: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(165px, 1fr)) }}
.photo {{ padding: .4rem; text-align: left; border-radius: 8px; min-width: 0 }}
.photo span {{ display: block }}
.photo .both {{ position: relative; aspect-ratio: 3 / 4; margin-bottom: .3rem }}
.photo img {{ position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain }}
.photo .mask {{ opacity: .65; transition: opacity .15s }}
.photo:hover .mask {{ opacity: 0 }}
.photo .name {{ font-size: 13px; white-space: nowrap; overflow: hidden; text-overflow: ellipsis }}
.photo small {{ color: var(--soft) }}
.photo[hidden] {{ display: none }}
""".strip()

SCRIPT = (
    f"{slider.SCRIPT}\n{viewer.SCRIPT}\n"
    + """
const sets = JSON.parse(document.getElementById("sets").textContent);
const grid = document.getElementById("grid"), picks = document.getElementById("picks");
const chosen = document.getElementById("set"), sorting = document.getElementById("sort");
const photos = [...grid.querySelectorAll(".photo")].map((element) => ({
  element, ...JSON.parse(element.dataset.about),
}));
const percent = (share) => `${(100 * share).toFixed(0)} %`;
const wanted = new Set();
const orders = {
  doubt: (a, b) => b.doubt - a.doubt,
  unsure: (a, b) => a.confidence[chosen.value] - b.confidence[chosen.value],
  sure: (a, b) => b.confidence[chosen.value] - a.confidence[chosen.value],
  name: (a, b) => (a.source < b.source ? -1 : 1),
};
const words = (photo) => `certain ${percent(photo.confidence[chosen.value])}`
  + (photo.doubt === null ? "" : `, doubt ${photo.doubt.toFixed(2)}`);
const inView = () => photos.filter(({ element }) => !element.hidden);

function arrange() {
  photos.sort(orders[sorting.value]);
  for (const photo of photos) {
    photo.element.hidden = ![...wanted].every((id) => photo.parts[chosen.value].includes(id));
    photo.element.querySelector("small").textContent = words(photo);
    for (const mask of photo.element.querySelectorAll(".mask"))
      mask.hidden = mask.dataset.set !== chosen.value;
  }
  grid.append(...photos.map(({ element }) => element));
  document.getElementById("count").textContent = `${inView().length} of ${photos.length} photos`;
}

function offer() {
  wanted.clear();
  const buttons = sets[chosen.value].map((part, id) => {
    const count = photos.filter((photo) => photo.parts[chosen.value].includes(id)).length;
    if (!id || !count) return null;
    const button = document.createElement("button"), swatch = document.createElement("i");
    swatch.style.background = `rgb(${part.color})`;
    button.append(swatch, `${part.name} ${count}`);
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      wanted.has(id) ? wanted.delete(id) : wanted.add(id);
      button.setAttribute("aria-pressed", String(wanted.has(id)));
      arrange();
    });
    return button;
  });
  picks.replaceChildren(...buttons.filter(Boolean));
  arrange();
}

let current = null;
function show(photo) {
  current = photo;
  const mask = photo.element.querySelector(`.mask[data-set="${chosen.value}"]`);
  const whole = photo.element.querySelector("img").src;
  viewer.show(photo.source, words(photo), whole, mask.src, sets[chosen.value]);
}
function move(step) {
  const near = inView();
  show(near[(near.indexOf(current) + step + near.length) % near.length]);
}
for (const photo of photos) photo.element.addEventListener("click", () => show(photo));
document.getElementById("previous").addEventListener("click", () => move(-1));
document.getElementById("next").addEventListener("click", () => move(1));
viewer.dialog.addEventListener("keydown", (event) => {
  const step = { PageUp: -1, PageDown: 1 }[event.key];
  if (step) { event.preventDefault(); move(step); }
});
viewer.dialog.addEventListener("close", () => current.element.focus());
chosen.addEventListener("change", offer);
sorting.addEventListener("change", arrange);
offer();
""".strip()
)


@dataclass(frozen=True)
class Shown:
    """A photo of the grid."""

    source: str
    photo: str
    """Address of the picture."""
    masks: Mapping[str, str]
    """By label set: address of the mask, of the same shape, its background transparent."""
    parts: Mapping[str, Sequence[int]]
    """By label set: the ids that are there."""
    confidence: Mapping[str, float]
    """By label set: mean probability of what was decided, in [0, 1]."""
    doubt: float | None = None
    """In [0, 1], where it was measured."""


def grid(
    photos: Iterable[Shown], sets: Mapping[str, Sequence[tuple[str, Color]]], *, by_doubt: bool
) -> Iterable[str]:
    """The elements of the grid; `STYLE` and `SCRIPT` go with them.

    Args:
        photos: In the order they are shown in at first.
        sets: By label set: name and colour of each id, the background first.
        by_doubt: Whether all of them have a doubt to be sorted by.
    """
    yield _controls(list(sets), by_doubt=by_doubt)
    yield '<div id="picks" class="picks" role="group" aria-label="Photos that show"></div>'
    yield '<div id="grid">'
    for photo in photos:
        yield _photo(photo, next(iter(sets)))
    yield "</div>"
    yield viewer.viewer()
    parts = {
        name: [{"name": part, "color": color} for part, color in nodes]
        for name, nodes in sets.items()
    }
    inert = json.dumps(parts).replace("<", "\\u003c")
    yield f'<script type="application/json" id="sets">{inert}</script>'


_ORDERS = {
    "doubt": "most doubtful first",
    "unsure": "least certain first",
    "sure": "most certain first",
    "name": "by name",
}


def _controls(sets: Sequence[str], *, by_doubt: bool) -> str:
    orders = {key: words for key, words in _ORDERS.items() if by_doubt or key != "doubt"}
    choose = _select("set", "Label set", dict(zip(sets, sets, strict=True)))
    hidden = "" if len(sets) > 1 else " hidden"
    return (
        f'<div class="controls"><label{hidden}>{choose}</label>'
        f"<label>{_select('sort', 'Sorted', orders)}</label>"
        '<span id="count" class="soft" aria-live="polite"></span></div>'
    )


def _select(name: str, words: str, options: Mapping[str, str]) -> str:
    inside = "".join(
        f'<option value="{escape(key)}">{escape(text)}</option>' for key, text in options.items()
    )
    return f'{words} <select id="{name}">{inside}</select>'


def _photo(photo: Shown, first: str) -> str:
    about = {
        "source": photo.source,
        "parts": {name: list(ids) for name, ids in photo.parts.items()},
        "confidence": dict(photo.confidence),
        "doubt": photo.doubt,
    }
    masks = "".join(
        f'<img class="mask" data-set="{escape(name)}" src="{address}" alt=""'
        f"{'' if name == first else ' hidden'}>"
        for name, address in photo.masks.items()
    )
    name = photo.source.replace("\\", "/").rpartition("/")[2]
    return (
        f'<button class="photo" data-about="{escape(json.dumps(about))}" '
        f'title="{escape(photo.source)}"><span class="both">'
        f'<img src="{photo.photo}" alt="" decoding="async">{masks}</span>'
        f'<span class="name">{escape(name)}</span><small></small></button>'
    )
