"""Pages opened in a real browser, with whatever went wrong in them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def open_page(path_or_url: Path | str, *, dark: bool = False, width: int = 1280) -> Iterator:
    """Open a page and give it as playwright's `Page`; `page.errors` collects what it complains of.

    A test is skipped where there is no browser.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("no chromium to open a page in")
    url = path_or_url.resolve().as_uri() if isinstance(path_or_url, Path) else path_or_url
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        try:
            page = browser.new_page(
                viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
            )
            page.errors = []
            page.on("pageerror", lambda error: page.errors.append(str(error)))
            page.on("console", lambda said: _note(page.errors, said))
            page.goto(url)
            yield page
        finally:
            browser.close()


def _note(errors: list[str], said) -> None:
    if said.type in ("error", "warning"):
        errors.append(said.text)
