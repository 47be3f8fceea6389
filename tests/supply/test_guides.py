"""README and guides: their links lead somewhere, and the commands they print exist."""

import ast
import re
import shlex
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from grapy_cli.cli.commands import PANELS, load_command
from tests.support.command_line import ROOT

README = ROOT / "README.md"
GUIDES = sorted((ROOT / "examples/guides").glob("*.md"))
PAGES = [README, *GUIDES, ROOT / "examples/photos/CREDITS.md"]
LINK = re.compile(r"\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def named(pages):
    return pytest.mark.parametrize("page", pages, ids=lambda page: page.name)


def prose_of(page: Path) -> str:
    return BLOCK.sub("", page.read_text())


def links_of(page: Path) -> list[str]:
    return [link for link in LINK.findall(prose_of(page)) if "://" not in link]


def anchors_of(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub spells them."""
    headings = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def blocks_of(page: Path, language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(page.read_text()) if kind == language]


def commands_of(page: Path) -> list[list[str]]:
    """The words of each command in the page's shell blocks and between its words."""
    lines = "".join(blocks_of(page, "bash")).replace("\\\n", " ").splitlines()
    lines += re.findall(r"`((?:grapy|python -m|sh|pip) [^`]+)`", prose_of(page))
    parts = [part for line in lines for part in re.split(r" (?:&&|\|) ", line)]
    return [words for words in (shlex.split(part, comments=True) for part in parts) if words]


def options_of(words: list[str]) -> set[str]:
    """The options of the command that `grapy WORDS...` runs."""
    assert any(words[0] in panel for panel in PANELS.values()), words
    command = load_command(words[0])
    if subcommands := getattr(command, "commands", None):
        command = subcommands[words[1]]
    return {name for one in command.params for name in one.opts + one.secondary_opts}


def test_the_readme_is_short():
    assert len(README.read_text().splitlines()) <= 250


def test_the_readme_leads_to_every_guide():
    assert set(links_of(README)) >= {f"examples/guides/{guide.name}" for guide in GUIDES}


@named(PAGES)
def test_links_lead_somewhere(page):
    for link in links_of(page):
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


@named([README, *GUIDES])
def test_commands_exist(page):
    for words in commands_of(page):
        match words:
            case ["grapy", *rest] if not rest[0].startswith("-"):
                given = {word for word in rest if word.startswith("--")}
                assert given <= options_of(rest), words
            case ["sh" | "bash" | "python", script, *_] if not script.startswith("-"):
                assert (ROOT / script).is_file(), words
            case ["python", "-m", module, *_]:
                assert find_spec(module), words
            case ["pip", "install", *rest]:
                extras = re.search(r"\[(.+)\]", rest[-1])
                assert set(extras[1].split(",") if extras else ()) <= EXTRAS.keys(), words


@named([README, *GUIDES])
def test_code_of_pages_can_be_read(page):
    for code in blocks_of(page, "python"):
        ast.parse(code)
    for text in blocks_of(page, "toml"):
        tomllib.loads(text)
