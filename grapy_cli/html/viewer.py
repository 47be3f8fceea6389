"""A large view of one photo: its parts under a slider, and the name of the one pointed at."""

from grapy_cli.html.slider import slider

STYLE = """
dialog { width: min(96vw, 1100px); max-height: 96vh; border: 0; border-radius: 10px;
  padding: 1rem; color: var(--ink); background: var(--paper) }
dialog::backdrop { background: rgb(0 0 0 / .7) }
dialog header { display: flex; flex-wrap: wrap; gap: .2rem 1rem; align-items: baseline;
  margin-bottom: .6rem }
dialog header nav { margin-left: auto; display: flex; gap: .4rem }
#stage { position: relative; width: min(100%, calc(72vh * var(--ratio, 1))); margin: 0 auto }
#stage .over { opacity: .65 }
#stage canvas { position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none }
#point { position: absolute; width: 15px; height: 15px; margin: -8px 0 0 -8px; border-radius: 50%;
  border: 2px solid #fff; box-shadow: 0 0 0 1px #000, inset 0 0 0 1px #000; pointer-events: none }
#told { min-height: 1.5em; margin: .5rem 0 .2rem; text-align: center; font-weight: 600 }
#told i { display: inline-block; width: .8em; height: .8em; border-radius: 2px;
  margin-right: .4em; border: 1px solid var(--line) }
""".strip()

SCRIPT = """
const viewer = (() => {
  const find = (id) => document.getElementById(id);
  const dialog = find("viewer"), stage = find("stage"), told = find("told"), point = find("point");
  const [photo, over] = stage.querySelectorAll("img");
  const slider = stage.querySelector("input"), spot = stage.querySelector("canvas");
  let ids = null, width = 0, height = 0, parts = [], row = 50, keyed = false, shown = 0;

  // The mask's colours name its ids: a canvas gives the pixels of a picture, not the indices.
  const read = (picture) => {
    const canvas = document.createElement("canvas");
    width = canvas.width = picture.naturalWidth;
    height = canvas.height = picture.naturalHeight;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(picture, 0, 0);
    const pixels = context.getImageData(0, 0, width, height).data;
    const known = new Map(parts.map(({ color: [r, g, b] }, id) => [(r << 16) | (g << 8) | b, id]));
    ids = new Uint8Array(width * height);
    for (let i = 0; i < ids.length; i++) {
      const at = 4 * i;
      if (pixels[at + 3])
        ids[i] = known.get((pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2]) ?? 0;
    }
  };
  const label = (element, id, words = "") => {
    const swatch = document.createElement("i");
    swatch.style.background = `rgb(${parts[id].color})`;
    element.replaceChildren(swatch, parts[id].name + words);
  };
  const tell = (x, y) => {
    if (!ids) return;
    const column = Math.min(width - 1, Math.max(0, Math.floor(x * width)));
    const line = Math.min(height - 1, Math.max(0, Math.floor(y * height)));
    label(told, ids[line * width + column]);
  };
  const light = (part) => {
    spot.width = part === null || !ids ? 0 : width;
    if (!spot.width) return;
    spot.height = height;
    const context = spot.getContext("2d"), image = context.createImageData(width, height);
    for (let i = 0; i < ids.length; i++) if (ids[i] !== part) image.data[4 * i + 3] = 190;
    context.putImageData(image, 0, 0);
  };
  const list = () => {
    const counts = new Map();
    for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
    const found = [...counts].filter(([id]) => id).sort((a, b) => b[1] - a[1]);
    find("there").replaceChildren(...found.map(([id, count]) => {
      const button = document.createElement("button");
      const percent = 100 * count / ids.length;
      label(button, id, percent < 0.1 ? " < 0.1 %" : ` ${percent.toFixed(1)} %`);
      for (const on of ["mouseenter", "focus"]) button.addEventListener(on, () => light(id));
      for (const off of ["mouseleave", "blur"]) button.addEventListener(off, () => light(null));
      return button;
    }));
  };
  const pointAt = () => {
    point.hidden = !keyed;
    point.style.left = slider.value + "%";
    point.style.top = row + "%";
    if (keyed) tell(slider.value / 100, row / 100);
  };

  slider.addEventListener("pointermove", (event) => {
    const box = stage.getBoundingClientRect();
    keyed = false;
    pointAt();
    tell((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  });
  slider.addEventListener("keydown", (event) => {
    const step = { ArrowUp: -2, ArrowDown: 2 }[event.key];
    if (!event.key.startsWith("Arrow")) return;
    keyed = true;
    if (step) {
      event.preventDefault();
      row = Math.min(99, Math.max(1, row + step));
      pointAt();
    }
  });
  slider.addEventListener("input", pointAt);
  find("closer").addEventListener("click", () => dialog.close());

  return {
    dialog,
    // The same mask is read anew after another label set was chosen: its colours mean others.
    async show(name, words, photoAddress, maskAddress, partsOf) {
      const mine = ++shown;
      [find("who").textContent, find("about").textContent] = [name, words];
      [ids, keyed, parts] = [null, false, partsOf];
      [photo.src, over.src] = [photoAddress, maskAddress];
      told.replaceChildren();
      light(null);
      pointAt();
      if (!dialog.open) dialog.showModal();
      slider.focus();
      await Promise.all([photo.decode(), over.decode()]);
      if (mine !== shown) return;  // the next one was asked for meanwhile
      stage.style.setProperty("--ratio", photo.naturalWidth / photo.naturalHeight);
      read(over);
      list();
    },
  };
})();
""".strip()
"""Gives `viewer.show(name, words, photo, mask, parts)`, the parts with name and colour by id."""


def viewer() -> str:
    """The view, closed; a page has one.

    Moving the pointer over the photo tells the part there. By keyboard, left and right move the
    slider's border, up and down a point on it, whose part is told; a part that is focused is lit.
    """
    return (
        '<dialog id="viewer" aria-labelledby="who"><header><b id="who"></b>'
        '<span id="about" class="soft"></span><nav>'
        '<button id="previous" title="Page Up">Previous</button>'
        '<button id="next" title="Page Down">Next</button>'
        '<button id="closer" title="Escape">Close</button></nav></header>'
        f'<div id="stage">{slider(_NOTHING, _NOTHING, "border between photo and parts")}'
        '<canvas width="0" height="0"></canvas><span id="point" hidden></span></div>'
        '<p id="told" aria-live="polite"></p><div id="there" class="picks"></div></dialog>'
    )


_NOTHING = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
"""One transparent pixel, until there is a picture to show."""
