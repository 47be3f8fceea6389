// Photos are sent to the service one after the other; each becomes a card that opens the large view.
const [set, level, drop, file, messages, cards] =
  ["set", "level", "drop", "file", "messages", "grid"].map((id) => document.getElementById(id));
const wait = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));
const make = (name, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};
let labels = [], queue = Promise.resolve();
const items = [];
viewer.items = () => items;

async function ask(photo) {
  const query = new URLSearchParams({ dataset: set.value, levels: level.value, kind: "json" });
  for (;;) {
    const response = await fetch(`parse?${query}`, { method: "POST", body: photo });
    if (response.status === 503 && response.headers.has("Retry-After")) {
      await wait(Number(response.headers.get("Retry-After")));
      continue;
    }
    const answer = await response.json();
    if (!response.ok) throw new Error([answer.error, answer.hint].filter(Boolean).join(". "));
    return answer.parsings[0];
  }
}

async function parse(photo) {
  const waiting = make("div", { textContent: `Parsing ${photo.name} …` });
  messages.append(waiting);
  try {
    const parsing = await ask(photo);
    await add({
      name: photo.name,
      photo: URL.createObjectURL(photo),
      mask: `data:image/png;base64,${parsing.mask}`,
      parts: labels.find(({ name }) => name === parsing.dataset).levels[parsing.level],
      words: `${parsing.dataset}, confidence ${(100 * parsing.confidence).toFixed(1)}%, `
        + `doubt ${parsing.doubt.toFixed(2)}`,
    });
  } catch (error) {
    messages.append(make("div", { textContent: `${photo.name}: ${error.message}`, className: "bad" }));
  } finally {
    waiting.remove();
  }
}

async function add(item) {
  const picture = make("img", { src: item.photo, alt: "" });
  try {
    await picture.decode();
  } catch {
    throw new Error("the photo was parsed, but this browser cannot show its format");
  }
  const both = make("span", { className: "both" },
    picture, make("img", { src: item.mask, className: "mask", alt: "" }));
  item.button = make("button", { className: "photo", title: item.name }, both,
    make("span", { className: "name", textContent: item.name }),
    make("small", { textContent: item.words }));
  item.button.addEventListener("click", () => viewer.show(item));
  const name = `${item.name.replace(/\.[^.]*$/, "")}.png`;
  const link = make("a", { href: item.mask, download: name, textContent: "Save the mask" });
  cards.prepend(make("div", { className: "card" }, item.button, link));
  items.unshift(item);
  if (!viewer.dialog.open) await viewer.show(item);
}

function take(files) {
  messages.replaceChildren();
  for (const photo of files) queue = queue.then(() => parse(photo));
}

file.addEventListener("change", () => { take([...file.files]); file.value = ""; });
addEventListener("paste", (event) => take([...event.clipboardData.files]));
for (const name of ["dragover", "dragleave", "drop"]) addEventListener(name, (event) => {
  event.preventDefault();
  drop.classList.toggle("over", name === "dragover");
  if (name === "drop") take([...event.dataTransfer.files]);
});

fetch("labels").then((response) => response.json()).then((found) => {
  labels = found;
  for (const { name, title } of labels)
    set.append(make("option", { value: name, textContent: `${name}: ${title}` }));
  drop.dataset.ready = "yes";
});
