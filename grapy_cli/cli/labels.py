"""`grapy labels`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from grapy_cli.cli.command import command
from grapy_cli.cli.completion import complete_label_sets
from grapy_cli.cli.console import show_table
from grapy_cli.labels import IGNORE, LABEL_SETS, LabelSet, label_set
from grapy_cli.labels.orders import ORDERS, LabelOrder
from grapy_cli.labels.published_labels import translations_of
from grapy_cli.labels.template import EXAMPLE, label_file

app = typer.Typer(add_completion=False)


@command(app, example="grapy labels atr")
def labels(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="cihp, atr, pascal, lip, a label file, another tool's order, as viton-hd, or "
            "weights: what the labels of hf:OWNER/NAME are understood to be.",
            autocompletion=complete_label_sets,
        ),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
    template: Annotated[
        bool,
        typer.Option(
            "--template",
            help="Print a label file to start your own from, TOML; with NAME its parts.",
        ),
    ] = False,
) -> None:
    """Show the parts of a label set or of another tool, or list them all."""
    if name and name in ORDERS and name not in LABEL_SETS and not template:
        _show_order(ORDERS[name], as_json=as_json)
        return
    chosen = _chosen(name, template=template) if name else list(LABEL_SETS.values())
    if template:
        typer.echo(label_file(chosen[0] if name else EXAMPLE, name="my-parts"), nl=False)
    elif as_json:
        tables = [one.to_dict() for one in chosen]
        typer.echo(json.dumps(tables[0] if len(tables) == 1 else tables, indent=2))
    elif name:
        for one in chosen:
            _show_parts(one)
    else:
        _show_sets(chosen)


def _chosen(name: str, *, template: bool) -> list[LabelSet]:
    """A label set by its name or file; those of weights that the name is the path of."""
    path = Path(name)
    if path.suffix == ".toml" or not (name.startswith("hf:") or path.exists()):
        return [label_set(name)]
    from grapy_cli.model.published import is_published, understood_labels
    from grapy_cli.model.weights import read_card, resolve_weights

    found = resolve_weights(path)
    if template and is_published(found):
        return [understood_labels(found).label_set]
    return read_card(found).load_label_sets()


def _show_sets(chosen: list[LabelSet]) -> None:
    rows = [(one.name, str(one.num_parts), one.title) for one in chosen]
    show_table(["name", ">parts", "title"], rows)
    rows = [(one.name, str(len(one.names)), one.title) for one in ORDERS.values()]
    title = "Orders of other tools: predict --remap writes them, eval --pred --remap reads them"
    show_table(["name", ">parts", "title"], rows, title=title)


def _show_parts(labels: LabelSet) -> None:
    found = translations_of(labels)
    heads = [">id", "name", "color", "group", "mirror", *(f"as {name}" for name in found)]
    rows: list[list[str | Text]] = []
    for number, part in enumerate(labels.parts):
        theirs = (_name_of(table[number], LABEL_SETS[name]) for name, table in found.items())
        group, mirror = part.category.name.lower(), part.mirror or ""
        rows.append([str(number), part.name, _swatch(part.color), group, mirror, *theirs])
    show_table(heads, rows, title=labels.title)


def _name_of(part: int, labels: LabelSet) -> str:
    return "-" if part == IGNORE else labels.names[part]


def _show_order(order: LabelOrder, *, as_json: bool) -> None:
    """Show the ids of another tool, and their parts in the label sets that can score its masks."""
    read = {
        name: [LABEL_SETS[name].names[part] for part in order.read_table(LABEL_SETS[name])]
        for name in order.reads
    }
    if as_json:
        facts = {"name": order.name, "title": order.title, "names": order.names, "read_as": read}
        typer.echo(json.dumps(facts | {"written_from": list(order.writes)}, indent=2))
        return
    rows = [
        (str(number), name, *(parts[number] for parts in read.values()))
        for number, name in enumerate(order.names)
    ]
    heads = [f"read as {name}" for name in read]
    written = f"; written from {', '.join(order.writes)}" if order.writes else ""
    show_table([">id", "name", *heads], rows, title=f"{order.title}{written}")


def _swatch(color: tuple[int, int, int]) -> Text:
    code = "#" + "".join(f"{channel:02x}" for channel in color)
    return Text.assemble(("  ", f"on {code}"), f" {code}")
