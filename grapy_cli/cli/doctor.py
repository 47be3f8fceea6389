"""Run `grapy doctor`: check what this machine has."""

import json
from collections.abc import Sequence

import typer

from grapy_cli.cli.command import AsJson, command
from grapy_cli.cli.console import results, say, show_table
from grapy_cli.cli.doctor_checks import Fact, check_machine
from grapy_cli.errors import install_extra

app = typer.Typer(add_completion=False)


@command(app, example="grapy doctor --json")
def doctor(*, as_json: AsJson = False) -> None:
    """Check this machine, for a bug report: versions, devices, weights, disk, extras.

    Ends with exit code 1 if something that grapy needs is missing.
    """
    facts = list(check_machine())
    if as_json:
        typer.echo(json.dumps(_document(facts), indent=2))
    else:
        _show(facts)
    if any(fact.is_fault for fact in facts):
        raise typer.Exit(1)


def _document(facts: Sequence[Fact]) -> dict[str, dict[str, str]]:
    """Return the facts by group, and under `missing` the command that installs each."""
    groups: dict[str, dict[str, str]] = {}
    for fact in facts:
        groups.setdefault(fact.group, {})[fact.what] = fact.found
    return groups | {"missing": {fact.what: fact.remedy for fact in facts if fact.remedy}}


def _show(facts: Sequence[Fact]) -> None:
    show_table(["what", "found"], [(fact.what, fact.found) for fact in facts])
    for fact in facts:
        if fact.is_fault:
            say(results(), f"{fact.what}: {fact.remedy}", "red")
    absent = [fact.what for fact in facts if fact.remedy and not fact.is_fault]
    if absent:
        say(results(), f"all absent extras: {install_extra(','.join(absent))}")
