"""Run `grapy weights`: list, show, import and pack weights files."""

import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grapy_cli import __version__
from grapy_cli.cli.command import command
from grapy_cli.cli.completion import complete_presets
from grapy_cli.cli.console import results, say, show_table, talk
from grapy_cli.errors import PhotoError, SettingsError
from grapy_cli.runtime.reporting import Reporter
from grapy_cli.settings.settings import Settings

if TYPE_CHECKING:
    from grapy_cli.weights.card_sections import Section

WIDTH = 80
"""Columns of the card, also in a pipe: people read it, programs read its JSON."""

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Import and adopt weights, list them, and show what they contain.",
    epilog="Example: grapy weights list",
)


@command(
    app, name="import", example="grapy weights import GPM-ML_finetune_ATR.pth --out atr.safetensors"
)
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.pth", help="Checkpoint of the reference code.")
    ],
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Weights file to write.")],
) -> None:
    """Convert a released checkpoint of the reference code into a weights file."""
    from grapy_cli.model.legacy import import_legacy

    legacy = import_legacy(file, out, grapy=__version__)
    say(talk(), f"{len(legacy.tensors)} tensors of a {legacy.kind} checkpoint taken over")
    for name in legacy.unused:
        say(talk(), f"left out: {name}", "dim")
    say(results(), str(out))


@command(app, example="grapy weights adopt parsing_atr.onnx --like schp-atr --out schp-atr.onnx")
def adopt(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.onnx", help="Network that another tool exported.")
    ],
    *,
    like: Annotated[
        str,
        typer.Option(
            "--like",
            metavar="NAME",
            autocompletion=complete_presets,
            help="schp-atr, schp-lip, schp-pascal, segformer-clothes, fashn, or a TOML file.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.onnx", help="Copy to write.")],
) -> None:
    """Make the ONNX file of another tool usable as weights: write its card into a copy."""
    from grapy_cli.weights.adopt import adopt_onnx

    adopt_onnx(file, like, out)
    say(results(), str(out))


@command(
    app,
    "infer.tta",
    "run.device",
    "run.threads",
    example="grapy weights info runs/joint --page card.html --photos holiday/",
)
def info(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="WEIGHTS",
            help="Weights file, run folder or hf:OWNER/NAME; by default the embedded one.",
        ),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the card as JSON.")] = False,
    page: Annotated[
        Path | None,
        typer.Option("--page", metavar="FILE.html", help="Write the card as a page instead."),
    ] = None,
    photos: Annotated[
        str | None,
        typer.Option(
            "--photos", metavar="SOURCE", help="Photos for the page, parsed and sorted by doubt."
        ),
    ] = None,
    settings: Settings,
    reporter: Reporter,
) -> None:
    """Show the card of a weights file."""
    if page is not None:
        _write_page(file, page, photos, settings, reporter)
        return
    if photos is not None:
        raise SettingsError("--photos needs --page", hint="For example: --page card.html.")
    from grapy_cli.model.weights import read_card, resolve_weights
    from grapy_cli.weights.card_sections import sections_of

    card = read_card(resolve_weights(file))
    if as_json:
        typer.echo(json.dumps(card.model_dump(), indent=2))
        return
    say(results(), card.name, "bold")
    for section in sections_of(card):
        _say_section(section)


@command(app, example="grapy weights pack runs/joint --out mine.safetensors --card card.toml")
def pack(
    source: Annotated[Path, typer.Argument(metavar="WEIGHTS", help="Weights file or run folder.")],
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Weights file to write.")],
    card: Annotated[
        Path | None,
        typer.Option(
            "--card", help="TOML with fields of the card: name, licence, data, recipe, limits, ..."
        ),
    ] = None,
    scores: Annotated[
        Path | None, typer.Option("--scores", help="What grapy eval --json printed.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="Prepared data sets trained on: says how many photos show each part.",
        ),
    ] = None,
    mix: Annotated[
        Path | None, typer.Option("--mix", help="Weights of a later run to mix with these.")
    ] = None,
    share: Annotated[
        float, typer.Option("--share", min=0, max=1, help="Of the later run in the mixture.")
    ] = 0.5,
) -> None:
    """Make a weights file for publishing: half the size, with a complete card."""
    from grapy_cli.weights.pack import pack_weights

    pack_weights(source, out, card=card, scores=scores, data=data, mix=mix, share=share)
    say(results(), f"{out} ({out.stat().st_size / 1e6:.1f} MB)")


@command(app, name="list", example="grapy weights list")
def list_() -> None:
    """List the weights embedded in the package."""
    from grapy_cli.model.weights import embedded_weights

    rows = [
        [name, f"{path.stat().st_size / 1e6:.1f} MB", str(path)]
        for name, path in embedded_weights().items()
    ]
    show_table(["name", ">size", "file"], rows)
    if not rows:
        say(talk(), "This package has no weights embedded; name a file with --weights.")


def _write_page(
    file: Path | None, page: Path, photos: str | None, settings: Settings, reporter: Reporter
) -> None:
    from grapy_cli.weights.run import write_card_page

    failed = write_card_page(file, page, photos, settings, reporter)
    say(results(), str(page))
    if failed:
        raise typer.Exit(PhotoError.exit_code)


def _say_section(section: "Section") -> None:
    from grapy_cli.weights.card_sections import Parts, Words, part_rows

    say(results(), "")
    if section.title:
        say(results(), section.title, "bold")
    if isinstance(section, Words):
        _say_wrapped(section.text)
        return
    rows = part_rows(section) if isinstance(section, Parts) else section
    show_table(rows.heads, rows.rows, width=WIDTH)
    _say_wrapped(rows.below, "dim")


def _say_wrapped(text: str, style: str = "") -> None:
    for paragraph in text.splitlines():
        for line in textwrap.wrap(paragraph, WIDTH, break_long_words=False, break_on_hyphens=False):
            say(results(), line, style)
