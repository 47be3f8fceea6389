"""The page at `/`: photos are dropped on it and their parts seen; nothing comes from elsewhere."""

import base64
import hashlib
import re

from grapy_cli.html import grid, slider, viewer
from grapy_cli.html.elements import page

_STYLE = f"""
{grid.STYLE}
[hidden] {{ display: none !important }}
#drop {{ display: block; padding: 2.2rem 1rem; border: 2px dashed var(--line); border-radius: 10px;
  text-align: center; cursor: pointer; background: var(--card) }}
#drop.over, #drop:focus-within {{ border-color: var(--bar) }}
#drop:focus-within {{ outline: 2px solid var(--bar); outline-offset: 2px }}
#drop input {{ position: absolute; opacity: 0; width: 1px; height: 1px }}
#news {{ min-height: 1.5em; margin: .6rem 0 }}
#news .bad {{ color: var(--bad) }}
.card {{ display: flex; flex-direction: column; min-width: 0; gap: .3rem }}
.card a {{ font-size: 13px; padding-left: .4rem; color: var(--bar) }}
""".strip()

_BODY = (
    "<h1>Body parts of a photo</h1>",
    '<p class="soft">Photos are parsed on the machine this page comes from; nothing is kept.</p>',
    '<div class="controls"><label>Label set <select id="set"></select></label>'
    '<label>Level <select id="level"><option value="3">parts</option>'
    '<option value="2">head, torso, arms, legs</option><option value="1">person</option>'
    "</select></label></div>",
    '<label id="drop"><input id="file" type="file" accept="image/*" multiple>'
    "<b>Drop photos here</b>, paste one, or choose them</label>",
    '<div id="news" role="status" aria-live="polite"></div>',
    '<div id="grid"></div>',
    viewer.viewer(),
)

_SCRIPT = (
    f"{slider.SCRIPT}\n{viewer.SCRIPT}\n"
    + """
const [set, level, drop, file, news, cards] =
  ["set", "level", "drop", "file", "news", "grid"].map((id) => document.getElementById(id));
const later = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));
const made = (name, facts = {}, ...inside) => {
  const element = Object.assign(document.createElement(name), facts);
  element.append(...inside);
  return element;
};
let labels = [], shown = [], current = null, queue = Promise.resolve();

function tell(text, bad = false) {
  news.append(made("div", { textContent: text, className: bad ? "bad" : "" }));
}

async function ask(photo) {
  const query = new URLSearchParams({ dataset: set.value, levels: level.value, kind: "json" });
  for (;;) {
    const response = await fetch(`parse?${query}`, { method: "POST", body: photo });
    if (response.status === 503 && response.headers.has("Retry-After")) {
      await later(Number(response.headers.get("Retry-After")));
      continue;
    }
    const told = await response.json();
    if (!response.ok) throw new Error([told.error, told.hint].filter(Boolean).join(". "));
    return told.parsings[0];
  }
}

async function parse(photo) {
  const waiting = made("div", { textContent: `parsing ${photo.name} …` });
  news.append(waiting);
  try {
    const parsing = await ask(photo);
    await show({
      name: photo.name,
      photo: URL.createObjectURL(photo),
      mask: `data:image/png;base64,${parsing.mask}`,
      parts: labels.find(({ name }) => name === parsing.dataset).levels[parsing.level],
      words: `${parsing.dataset}, certain ${(100 * parsing.confidence).toFixed(1)} %, `
        + `doubt ${parsing.doubt.toFixed(2)}`,
    });
  } catch (error) {
    tell(`${photo.name}: ${error.message}`, true);
  } finally {
    waiting.remove();
  }
}

async function show(item) {
  const whole = made("img", { src: item.photo, alt: "" });
  try {
    await whole.decode();
  } catch {
    throw new Error("it is parsed, but this browser cannot show such a photo");
  }
  const both = made("span", { className: "both" },
    whole, made("img", { src: item.mask, className: "mask", alt: "" }));
  const button = made("button", { className: "photo", title: item.name }, both,
    made("span", { className: "name", textContent: item.name }),
    made("small", { textContent: item.words }));
  const name = `${item.name.replace(/\\.[^.]*$/, "")}.png`;
  const link = made("a", { href: item.mask, download: name, textContent: "Save the mask" });
  item.button = button;
  button.addEventListener("click", () => open(item));
  cards.prepend(made("div", { className: "card" }, button, link));
  shown.unshift(item);
  if (!viewer.dialog.open) await open(item);
}

async function open(item) {
  current = item;
  await viewer.show(item.name, item.words, item.photo, item.mask, item.parts);
}

function move(step) {
  open(shown[(shown.indexOf(current) + step + shown.length) % shown.length]);
}

function take(files) {
  news.replaceChildren();
  for (const photo of files) queue = queue.then(() => parse(photo));
}

file.addEventListener("change", () => { take([...file.files]); file.value = ""; });
addEventListener("paste", (event) => take([...event.clipboardData.files]));
for (const name of ["dragover", "dragleave", "drop"]) addEventListener(name, (event) => {
  event.preventDefault();
  drop.classList.toggle("over", name === "dragover");
  if (name === "drop") take([...event.dataTransfer.files]);
});
document.getElementById("previous").addEventListener("click", () => move(-1));
document.getElementById("next").addEventListener("click", () => move(1));
viewer.dialog.addEventListener("keydown", (event) => {
  const step = { PageUp: -1, PageDown: 1 }[event.key];
  if (step) { event.preventDefault(); move(step); }
});
viewer.dialog.addEventListener("close", () => current.button.focus());

fetch("labels").then((response) => response.json()).then((found) => {
  labels = found;
  for (const { name, title } of labels)
    set.append(made("option", { value: name, textContent: `${name}: ${title}` }));
  drop.dataset.ready = "yes";
});
""".strip()
)


def _policy(document: str) -> str:
    """Let the page run its own style and script, known by their hashes, and nothing else."""

    def hashes(tag: str) -> str:
        found = re.findall(f"<{tag}>(.*?)</{tag}>", document, re.DOTALL)
        digests = (hashlib.sha256(one.encode()).digest() for one in found)
        return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)

    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {hashes('script')}",
            f"style-src {hashes('style')}",
            "img-src 'self' data: blob:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


PAGE = page("grapy: body parts of a photo", _BODY, style=_STYLE, script=_SCRIPT)
POLICY = _policy(PAGE)
"""Content-Security-Policy of the page."""
