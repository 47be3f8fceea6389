"""`grapy weights`: what weights files there are, what is in them, and the reference's as ours."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from grapy_cli import __version__
from grapy_cli.cli.command import command
from grapy_cli.errors import SettingsError

if TYPE_CHECKING:
    from grapy_cli.model.weights import WeightsCard

app = typer.Typer(no_args_is_help=True, help="Import weights, list them, and say what is in them.")


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
    """Turn a released checkpoint of the reference code into a weights file."""
    from grapy_cli.cli.console import results, say, talk
    from grapy_cli.model.legacy import import_legacy

    report = import_legacy(file, out, grapy=__version__)
    say(talk(), f"{report.tensors} tensors of a {report.kind} checkpoint taken over")
    for name in report.unused:
        say(talk(), f"left out: {name}", "dim")
    say(results(), str(report.out))


@command(app, example="grapy weights info runs/joint/best/weights.safetensors")
def info(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="WEIGHTS", help="Weights file or run folder; the embedded one unless said."
        ),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the card as JSON.")] = False,
) -> None:
    """Show what a weights file says about itself."""
    from grapy_cli.cli.console import show_table
    from grapy_cli.model.weights import read_card, resolve_weights

    card = read_card(resolve_weights(file))
    if as_json:
        typer.echo(json.dumps(card.to_dict(), indent=2))
    else:
        show_table(["what", "value"], list(card_rows(card)))


@command(app, example="grapy weights pack runs/joint --out mine.safetensors --card card.toml")
def pack(
    source: Annotated[Path, typer.Argument(metavar="WEIGHTS", help="Weights file or run folder.")],
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Weights file to write.")],
    card: Annotated[
        Path | None,
        typer.Option(
            "--card", help="TOML with the card's name, licence, trained_on, provenance, limits."
        ),
    ] = None,
    scores: Annotated[
        Path | None, typer.Option("--scores", help="What grapy eval --json printed.")
    ] = None,
    mix: Annotated[
        Path | None, typer.Option("--mix", help="Weights of a later run to mix with these.")
    ] = None,
    share: Annotated[
        float, typer.Option("--share", min=0, max=1, help="Of the later run in the mixture.")
    ] = 0.5,
) -> None:
    """Make a weights file to give away: half the size, with its card completed."""
    from grapy_cli.cli.console import results, say
    from grapy_cli.model.weights import pack_weights
    from grapy_cli.text import read_json, read_toml

    facts = _read(card, read_toml) if card else {}
    measured = _read(scores, read_json) if scores else None
    pack_weights(source, out, facts, measured, mix=mix, share=share)
    say(results(), f"{out} ({out.stat().st_size / 1e6:.1f} MB)")


@command(app, name="list", example="grapy weights list")
def list_() -> None:
    """List the weights embedded in the package."""
    from grapy_cli.cli.console import say, show_table, talk
    from grapy_cli.model.weights import embedded_weights

    rows = [
        [name, f"{path.stat().st_size / 1e6:.1f} MB", str(path)]
        for name, path in embedded_weights().items()
    ]
    show_table(["name", ">size", "file"], rows)
    if not rows:
        say(talk(), "This package has no weights embedded; name a file with --weights.")


def card_rows(card: "WeightsCard") -> Iterator[tuple[str, str]]:
    """A card as lines of what and value; each of its scores is one."""
    table = card.to_dict()
    scores = {f"{row['dataset']} level {row['level']}": _score(row) for row in table["scores"]}
    yield from _rows(table | {"scores": scores})


def _score(row: Mapping[str, Any]) -> str:
    """One result of an evaluation as a line; `--json` has the parts as well."""
    from grapy_cli.cli.console import percent

    protocol = row.get("protocol", {})
    return (
        f"mean IoU {percent(row.get('mean_iou'))}, "
        f"mean accuracy {percent(row.get('mean_accuracy'))}, "
        f"pixel accuracy {percent(row.get('pixel_accuracy'))} on {row['photos']} {row['split']} "
        f"photos, test-time augmentation {protocol.get('tta', 'unknown')}"
    )


def _read(path: Path, read: Callable[[Path], Any]) -> Any:  # noqa: ANN401 - whatever it holds
    try:
        return read(path)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error


def _rows(card: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in card.items():
        match value:
            case {"parts": [*parts], "name": _}:
                yield f"{prefix}{name}", ", ".join(part["name"] for part in parts)
            case dict():
                yield from _rows(value, f"{prefix}{name}.")
            case [{}, *_]:
                for number, item in enumerate(value):
                    yield from _rows({str(item.get("name", number)): item}, f"{prefix}{name}.")
            case [*items]:
                yield f"{prefix}{name}", ", ".join(map(str, items))
            case _:
                yield f"{prefix}{name}", str(value)
