"""Render HTML pages from templates; each page is one file that needs no other file."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from grapy_cli.html.charts import counted, to_percent

HERE = Path(__file__).parent


def render(template: str, **values: Any) -> str:  # noqa: ANN401 - each template has other values
    """Render a template of `templates/`; the same values give the same bytes.

    Text is escaped. Drawings stand in the page as SVG.
    """
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.globals["asset"] = _asset
    found.filters |= {"counted": counted, "percent": to_percent}
    return found


def _asset(name: str) -> Markup:
    return Markup((HERE / "assets" / name).read_text(encoding="utf-8").strip())
