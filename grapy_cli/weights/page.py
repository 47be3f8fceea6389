"""The card as a page: what is known of weights, and photos as they parse them."""

from collections.abc import Iterator, Sequence
from html import escape

from grapy_cli.html import charts, photo_layers
from grapy_cli.html.elements import chips, page, table, tiles
from grapy_cli.model.weights import WeightsCard
from grapy_cli.weights.card_photos import Album, CardPhoto
from grapy_cli.weights.card_sections import Parts, Rows, Section, Words, percent, sections_of

STYLE = f"""
{charts.STYLE}
{photo_layers.STYLE}
.text {{ max-width: 46rem }} .below {{ white-space: pre-line; color: var(--soft) }}
.columns {{ columns: 26rem; column-gap: 2rem }} .columns > div {{ break-inside: avoid;
  display: flow-root }}
.columns h2 {{ margin-top: 1rem }}
.cards {{ grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr));
  align-items: start }}
.number {{ white-space: nowrap }}
@media (max-width: 600px) {{ .bars th:first-child {{ width: 55% }} }}
@media print {{ figure, tr {{ break-inside: avoid }} .wide {{ overflow: visible }} }}
""".strip()
SCRIPT = f"{charts.SCRIPT}\n{photo_layers.SCRIPT}"


def render_card(
    card: WeightsCard,
    album: Album | None = None,
    failed: Sequence[tuple[str, str]] = (),
) -> str:
    """Write the page; the same card and photos give the same bytes.

    Args:
        card: Of the weights.
        album: Photos.
        failed: Names of photos that could not be parsed, and why.
    """
    sections = [*sections_of(card)]
    body = [f"<h1>{escape(card.name)}</h1>", tiles(_figures(card))]
    body += [_say(section) for section in sections if not isinstance(section, Parts)]
    parts = [_say(section) for section in sections if isinstance(section, Parts)]
    body.append(f'<div class="columns">{"".join(parts)}</div>')
    body += _photos(album) if album else []
    if failed:
        body += ["<h2>Photos that could not be read</h2>", table(["photo", "why"], failed)]
    return page(f"{card.name}: weights card", body, style=STYLE, script=SCRIPT)


def _figures(card: WeightsCard) -> Iterator[tuple[str, str]]:
    if card.recipe:
        yield "crops seen", f"{sum(it.crops for it in card.recipe):,}"
        yield "hours", f"{sum(it.hours for it in card.recipe):.2f}"
    for score in card.scores:
        if score["level"] == 3:
            yield f"mIoU, {score['dataset']} {score['split'] or ''}", percent(score["mean_iou"])


def _say(section: Section) -> str:
    match section:
        case Words(title, text):
            return f'<h2>{escape(title)}</h2><p class="text">{escape(text)}</p>'
        case Rows(title, heads, rows, below):
            head = f"<h2>{escape(title)}</h2>" if title else ""
            end = f'<p class="below">{escape(below)}</p>' if below else ""
            return f"{head}{table(heads, rows)}{end}"
        case Parts(title, rows):
            bars = [
                (
                    row.name if row.photos is None else f"{row.name} ({row.photos:,})",
                    row.color,
                    (row.iou, row.accuracy),
                )
                for row in rows
            ]
            is_counted = any(row.photos is not None for row in rows)
            note = "In brackets: training photos that show it." if is_counted else ""
            chart = charts.bar_table(["IoU", "accuracy"], bars, title)
            return f'<div><h2>{escape(title)}</h2>{chart}<p class="soft">{note}</p></div>'


def _photos(album: Album) -> Iterator[str]:
    yield "<h2>Photos</h2>"
    yield (
        '<p class="text soft">Nobody has looked these through: doubt is what share of the person '
        "is likely wrong by the network's own account. Move the border with the pointer or the "
        "arrow keys; what lies on either side is chosen below. Red is doubt.</p>"
    )
    for title, some in album.groups.items():
        yield f'<h3>{title}</h3><div class="cards">'
        yield from (_shot(shot, f"{title}-{index}") for index, shot in enumerate(some))
        yield "</div>"


def _shot(shot: CardPhoto, group: str) -> str:
    first = shot.layers[0][0]
    what = f"{shot.name}: photo and parsing"
    picture = photo_layers.layers(
        ("photo", shot.photo), shot.layers, what, group=group, left="photo", right=first
    )
    sure = ", ".join(f"{name} {share:.0%}" for name, share in shot.confidence.items())
    return (
        f"<figure>{picture}<figcaption><b>{escape(shot.name)}</b>: doubt {shot.doubt:.2f}"
        f'<br><span class="soft">confidence: {escape(sure)}</span>'
        f"{chips(shot.parts)}</figcaption></figure>"
    )
