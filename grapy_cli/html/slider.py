"""Two pictures of one thing, one over the other, with a slider that moves the border."""

from html import escape

STYLE = """
.compare { position: relative; display: block; line-height: 0; --at: 50% }
.compare img { width: 100%; display: block; border-radius: 4px }
.compare .over { position: absolute; inset: 0; height: 100%;
  clip-path: inset(0 0 0 var(--at)) }
.compare::after { content: ""; position: absolute; top: 0; bottom: 0; left: var(--at); width: 2px;
  margin-left: -1px; background: #fff; box-shadow: 0 0 3px #000; pointer-events: none }
.compare input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0;
  cursor: ew-resize }
.compare:focus-within { outline: 2px solid var(--bar); outline-offset: 2px }
""".strip()

SCRIPT = """
document.addEventListener("input", (event) => {
  const slider = event.target.closest(".compare input");
  if (slider) slider.parentElement.style.setProperty("--at", slider.value + "%");
});
""".strip()
"""One listener for all sliders of a page."""


def slider(left: str, right: str, what: str) -> str:
    """Show one picture left of the border and another right of it; arrow keys move it as well.

    Args:
        left: Address of the picture below.
        right: Address of the picture over it, of the same shape.
        what: Says in words what the border lies between.
    """
    return (
        f'<div class="compare"><img src="{left}" alt=""><img class="over" src="{right}" alt="">'
        f'<input type="range" min="0" max="100" value="50" aria-label="{escape(what)}"></div>'
    )
