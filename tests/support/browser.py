"""A page in a real browser, for tests of what a person sees and presses."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking")


@contextmanager
def open_page(path_or_url: Path | str, *, dark: bool = False, width: int = 1280) -> Iterator:
    """Open a page and give playwright's object for it; skip where there is no browser.

    `page.errors` collects what the console calls an error, what a script raises, and whatever the
    page wants from elsewhere. The end of the block fails if anything is in it; a test that wants
    an error takes it out.
    """
    executable = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if executable is None:
        pytest.skip(f"needs a browser: none of {', '.join(BROWSERS)} is installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    url = path_or_url.resolve().as_uri() if isinstance(path_or_url, Path) else path_or_url
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=list(FLAGS))
        try:
            page = browser.new_page(
                viewport={"width": width, "height": 900},
                color_scheme="dark" if dark else "light",
            )
            page.errors = errors = []
            page.on("console", lambda said: said.type == "error" and errors.append(said.text))
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("request", lambda it: _is_elsewhere(it.url, url) and errors.append(it.url))
            page.goto(url)
            yield page
            assert errors == []
        finally:
            browser.close()


def _is_elsewhere(asked: str, page: str) -> bool:
    """Whether an address is neither in the page itself nor of the server the page is from."""
    there, here = urlsplit(asked), urlsplit(page)
    same = there.path == here.path if here.scheme == "file" else there[:2] == here[:2]
    return there.scheme not in ("data", "blob") and not same
