"""The addresses of the service and their responses."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Literal

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from starlette.middleware.trustedhost import TrustedHostMiddleware

from grapy_cli import __version__
from grapy_cli.errors import SettingsError
from grapy_cli.image_io.photos import read_size
from grapy_cli.inference.parser import HumanParser
from grapy_cli.inference.stream import PIXELS_UNDER_WAY, Room, threads_for
from grapy_cli.runtime.device import kept_threads
from grapy_cli.serve.error_handlers import add_error_handlers
from grapy_cli.serve.page import render_page
from grapy_cli.serve.queue import RequestQueue
from grapy_cli.serve.request_body import TooLargeError, read_body
from grapy_cli.serve.responses import (
    SHOWS_PHOTO,
    build_response,
    check_kind,
    describe_labels,
)

Kind = Literal["mask", "overlay", "json"]

_LOCAL = ("localhost", "127.0.0.1", "::1", "[::1]")

# How a request may carry a photo, for /openapi.json.
_BYTES = {"type": "string", "format": "binary"}
_FORM = {"type": "object", "properties": {"photo": _BYTES}}
_BODIES = {"image/*": {"schema": _BYTES}, "multipart/form-data": {"schema": _FORM}}


@dataclass(frozen=True)
class Limits:
    """Limits on requests."""

    waiting: int = 8
    """Photos that may wait while others are parsed."""
    megabytes: float = 20.0
    """Largest request, millions of bytes."""
    megapixels: float = 50.0
    """Largest photo, millions of pixels."""
    timeout: float = 60.0
    """Seconds for a photo to arrive, and again for its parsing."""


def build_app(parser: HumanParser, limits: Limits, *, local: bool = True) -> FastAPI:
    """Build the service.

    Photos that come side by side are parsed side by side, as `threads_for` says: on a CPU one on
    each core. Their pixels are bounded as those of a stream are.

    Args:
        parser: Parses all photos.
        limits: On requests.
        local: Whether only this machine is served: then requests that name another host are
            refused, so that no web page can reach the service by another name.
    """
    threads = threads_for(parser)
    queue = RequestQueue(limits.waiting, threads.parsing, threads.prepare)
    room = Room(PIXELS_UNDER_WAY)
    whole = replace(parser, reduced_jpeg=False)
    document, policy = render_page()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with kept_threads():
            yield
            queue.close()

    app = FastAPI(
        title="grapy", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    if local:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(_LOCAL))
    add_error_handlers(app)

    @app.get("/")
    def page() -> HTMLResponse:
        """A page to drop photos on, which shows their parts."""
        headers = {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"}
        return HTMLResponse(document, headers=headers)

    @app.get("/favicon.ico", include_in_schema=False)
    def icon() -> Response:
        """There is none, but browsers ask for it."""
        return Response(status_code=204)

    @app.get("/health")
    def health() -> dict[str, object]:
        """Whether the service runs, and with which weights."""
        return {
            "status": "ok",
            "grapy": __version__,
            "weights": parser.card.name if parser.card else None,
            "device": str(parser.device),
            "datasets": list(parser.datasets),
            "parsed": queue.done,
        }

    @app.get("/labels")
    def labels() -> list[dict[str, object]]:
        """The label sets, with the ids, names and colors of every level."""
        return [describe_labels(one) for one in parser.network.label_sets.values()]

    @app.post("/parse", openapi_extra={"requestBody": {"required": True, "content": _BODIES}})
    async def parse(
        request: Request, dataset: str = "", levels: str = "3", kind: Kind | None = None
    ) -> Response:
        """Parse the photo in the body, or in a form; `dataset` and `levels` are comma-separated."""
        chosen = kind or _kind_of(request.headers.get("accept", ""))
        datasets, level_ids = _datasets(dataset, parser), _levels(levels)
        check_kind(chosen, datasets, level_ids)
        most = int(limits.megabytes * 1e6)
        data = await asyncio.wait_for(read_body(request, most), limits.timeout)

        def work() -> Response:
            with room.held(_count_pixels(data, limits.megapixels)):
                own = whole if chosen in SHOWS_PHOTO else parser
                return build_response(chosen, own.parse_all(data, datasets), level_ids)

        return await queue.ask(work, limits.timeout)

    return app


def _kind_of(accept: str) -> Kind:
    """Return the default kind of a client: JSON if it does not accept pictures, else the mask."""
    return "json" if "application/json" in accept and "image/" not in accept else "mask"


def _datasets(text: str, parser: HumanParser) -> list[str]:
    names = [name for name in text.split(",") if name]
    if "all" in names or (not names and len(parser.datasets) == 1):
        return list(parser.datasets)
    if not names:
        raise SettingsError(
            "several label sets are possible: choose with ?dataset=",
            hint=f"?dataset={parser.datasets[0]}, or ?dataset=all with kind=json",
        )
    parser.check_datasets(names)
    return list(dict.fromkeys(names))


def _levels(text: str) -> list[int]:
    names = dict.fromkeys(text.split(","))
    if not set(names) <= {"1", "2", "3"}:
        raise SettingsError(f"levels={text} may only have 3, 2 and 1", hint="?levels=3,2,1")
    return [int(name) for name in names]


def _count_pixels(data: bytes, megapixels: float) -> int:
    """Count the pixels of a photo, without reading them, and refuse too many."""
    height, width = read_size(data)
    if height * width > megapixels * 1e6:
        raise TooLargeError(
            f"the photo has {height * width / 1e6:.1f} megapixels, more than {megapixels:g}"
        )
    return height * width
