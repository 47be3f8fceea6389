"""Several layers over one photo, any two of them compared on either side of a border."""

from collections.abc import Sequence
from html import escape

from grapy_cli.html import slider

STYLE = f"""
{slider.STYLE}
.compare .layer {{ position: absolute; inset: 0; height: 100%; visibility: hidden }}
.compare .at-left, .compare .at-right {{ visibility: visible }}
.compare .at-left {{ clip-path: inset(0 calc(100% - var(--at)) 0 0) }}
.compare .at-right {{ clip-path: inset(0 0 0 var(--at)) }}
.compare .at-left.at-right {{ clip-path: none }}
.sides {{ display: grid; grid-template-columns: 1fr 1fr; gap: .5rem; margin: .3rem 0 0 }}
.sides fieldset {{ border: 0; margin: 0; padding: 0; min-width: 0; font-size: 13px;
  display: grid; grid-template-columns: max-content max-content; gap: 0 .7rem }}
.sides fieldset:last-child {{ justify-content: end; text-align: right }}
.sides :last-child label {{ text-align: left }}
.sides legend {{ color: var(--soft); padding: 0; font-size: 12px }}
.sides input {{ margin: 0 .25em 0 0; accent-color: var(--bar); vertical-align: -.1em }}
@media print {{ .sides {{ display: none }} }}
""".strip()

SCRIPT = f"""
{slider.SCRIPT}
document.addEventListener("change", (event) => {{
  const side = event.target.closest(".sides fieldset");
  if (!side) return;
  const layers = side.closest(".layers").querySelectorAll(".layer");
  for (const layer of layers)
    layer.classList.toggle(side.dataset.side, layer.dataset.name === event.target.value);
}});
""".strip()
"""One listener for all of a page; without it the first choice is what is seen."""


def layers(
    base: tuple[str, str],
    over: Sequence[tuple[str, str]],
    what: str,
    *,
    group: str,
    left: str,
    right: str,
) -> str:
    """Show one layer left of the border and another right of it; radio buttons choose which.

    Args:
        base: Name and address of the picture below all; without a name it cannot be chosen.
        over: Likewise of each layer; layers may be transparent in places.
        what: Says in words what is compared.
        group: A name that no other element of the page has.
        left: Name of the layer that is seen left of the border at first.
        right: Likewise on the right.
    """
    pictures = "".join(_layer(name, address, left, right) for name, address in over)
    names = [name for name, _ in (base, *over) if name]
    return (
        f'<div class="layers"><div class="compare">'
        f'<img src="{base[1]}" alt="{escape(what)}">{pictures}'
        f'<input type="range" autocomplete="off" min="0" max="100" value="50" '
        f'aria-label="border: {escape(what)}"></div><div class="sides">'
        f"{_side('left', names, left, group)}{_side('right', names, right, group)}</div></div>"
    )


def _layer(name: str, address: str, left: str, right: str) -> str:
    sides = (" at-left" if name == left else "") + (" at-right" if name == right else "")
    return f'<img class="layer{sides}" data-name="{escape(name)}" src="{address}" alt="">'


def _side(side: str, names: Sequence[str], chosen: str, group: str) -> str:
    radios = " ".join(
        f'<label><input type="radio" autocomplete="off" name="{escape(group)}-{side}" '
        f'value="{escape(name)}"{" checked" if name == chosen else ""}>{escape(name)}</label>'
        for name in names
    )
    return f'<fieldset data-side="at-{side}"><legend>{side} side</legend>{radios}</fieldset>'
