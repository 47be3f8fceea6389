// Photos are sorted, filtered by their parts, and opened in the large view.
const sets = JSON.parse(document.getElementById("sets").textContent);
const grid = document.getElementById("grid"), picks = document.getElementById("picks");
const chosen = document.getElementById("set"), sorting = document.getElementById("sort");
const photos = [...grid.querySelectorAll(".photo")].map((button) => ({
  button, ...JSON.parse(button.dataset.about),
}));
const wanted = new Set();
const orders = {
  doubt: (a, b) => b.doubt - a.doubt,
  unsure: (a, b) => a.confidence[chosen.value] - b.confidence[chosen.value],
  sure: (a, b) => b.confidence[chosen.value] - a.confidence[chosen.value],
  name: (a, b) => (a.source < b.source ? -1 : 1),
};
const words = (photo) => `confidence ${(100 * photo.confidence[chosen.value]).toFixed(0)}%`
  + (photo.doubt === null ? "" : `, doubt ${photo.doubt.toFixed(2)}`);
const inView = () => photos.filter(({ button }) => !button.hidden);
const itemOf = (photo) => ({
  button: photo.button,
  name: photo.source,
  words: words(photo),
  photo: photo.button.querySelector("img").src,
  mask: photo.button.querySelector(`.mask[data-set="${chosen.value}"]`).src,
  parts: sets[chosen.value],
});

function arrange() {
  photos.sort(orders[sorting.value]);
  for (const photo of photos) {
    photo.button.hidden = ![...wanted].every((id) => photo.parts[chosen.value].includes(id));
    photo.button.querySelector("small").textContent = words(photo);
    for (const mask of photo.button.querySelectorAll(".mask"))
      mask.hidden = mask.dataset.set !== chosen.value;
  }
  grid.append(...photos.map(({ button }) => button));
  const noun = photos.length === 1 ? "photo" : "photos";
  document.getElementById("count").textContent = `${inView().length} of ${photos.length} ${noun}`;
}

function listParts() {
  wanted.clear();
  const buttons = sets[chosen.value].map((part, id) => {
    const count = photos.filter((photo) => photo.parts[chosen.value].includes(id)).length;
    if (!id || !count) return null;
    const button = document.createElement("button"), swatch = document.createElement("i");
    swatch.className = "swatch";
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

viewer.items = () => inView().map(itemOf);
for (const photo of photos) photo.button.addEventListener("click", () => viewer.show(itemOf(photo)));
chosen.addEventListener("change", listParts);
sorting.addEventListener("change", arrange);
listParts();
