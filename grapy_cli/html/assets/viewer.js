// The large view of one photo, a dialog: `viewer.show(item)` opens it. An item has `name`, `words`,
// `photo` and `mask` (URLs), `parts` (name and color by id), and `button`, which opened it.
// `viewer.items` gives the items that Previous and Next go through.
const viewer = (() => {
  const find = (id) => document.getElementById(id);
  const dialog = find("viewer"), large = find("large"), point = find("point");
  const [photo, over] = large.querySelectorAll("img");
  const slider = large.querySelector("input"), shade = large.querySelector("canvas");
  const LEAST = 0.001;  // the legend leaves out parts below this share of the photo
  let ids = null, width = 0, height = 0, parts = [], row = 50, byKeys = false, opener = null;

  // The mask's colors stand for its ids: a canvas gives the pixels of a picture, not the indices.
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
    swatch.className = "swatch";
    swatch.style.background = `rgb(${parts[id].color})`;
    element.replaceChildren(swatch, parts[id].name + words);
  };
  const namePart = (x, y) => {
    if (!ids) return;
    const column = Math.min(width - 1, Math.max(0, Math.floor(x * width)));
    const line = Math.min(height - 1, Math.max(0, Math.floor(y * height)));
    label(find("part-here"), ids[line * width + column]);
  };
  // Darken everything but one part; null darkens nothing.
  const highlight = (part) => {
    shade.width = part === null || !ids ? 0 : width;
    if (!shade.width) return;
    shade.height = height;
    const context = shade.getContext("2d"), image = context.createImageData(width, height);
    for (let i = 0; i < ids.length; i++) if (ids[i] !== part) image.data[4 * i + 3] = 190;
    context.putImageData(image, 0, 0);
  };
  const listParts = () => {
    const counts = new Map();
    for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
    const found = [...counts].filter(([id, count]) => id && count >= LEAST * ids.length);
    found.sort((a, b) => b[1] - a[1]);
    find("legend").replaceChildren(...found.map(([id, count]) => {
      const button = document.createElement("button");
      label(button, id, ` ${(100 * count / ids.length).toFixed(1)}%`);
      for (const on of ["mouseenter", "focus"]) button.addEventListener(on, () => highlight(id));
      for (const off of ["mouseleave", "blur"]) button.addEventListener(off, () => highlight(null));
      return button;
    }));
  };
  const movePoint = () => {
    point.hidden = !byKeys;
    point.style.left = slider.value + "%";
    point.style.top = row + "%";
    if (byKeys) namePart(slider.value / 100, row / 100);
  };

  slider.addEventListener("pointermove", (event) => {
    const box = large.getBoundingClientRect();
    byKeys = false;
    movePoint();
    namePart((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  });
  slider.addEventListener("keydown", (event) => {
    if (!event.key.startsWith("Arrow")) return;
    byKeys = true;
    const step = { ArrowUp: -2, ArrowDown: 2 }[event.key];
    if (!step) return;
    event.preventDefault();
    row = Math.min(99, Math.max(1, row + step));
    movePoint();
  });
  slider.addEventListener("input", movePoint);

  const view = { dialog, items: () => [] };
  // The mask is read each time: with another label set its colors mean other parts.
  view.show = async (item) => {
    opener = item.button;
    [find("photo-name").textContent, find("photo-facts").textContent] = [item.name, item.words];
    [ids, byKeys, parts] = [null, false, item.parts];
    [photo.src, over.src] = [item.photo, item.mask];
    find("part-here").replaceChildren();
    highlight(null);
    movePoint();
    if (!dialog.open) dialog.showModal();
    slider.focus();
    await Promise.all([photo.decode(), over.decode()]);
    if (opener !== item.button) return;  // another photo was opened meanwhile
    large.style.setProperty("--ratio", photo.naturalWidth / photo.naturalHeight);
    read(over);
    listParts();
  };
  const move = (step) => {
    const items = view.items(), index = items.findIndex(({ button }) => button === opener);
    view.show(items[(index + step + items.length) % items.length]);
  };
  find("previous").addEventListener("click", () => move(-1));
  find("next").addEventListener("click", () => move(1));
  find("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("keydown", (event) => {
    const step = { PageUp: -1, PageDown: 1 }[event.key];
    if (step) { event.preventDefault(); move(step); }
  });
  dialog.addEventListener("close", () => opener.focus());
  return view;
})();
