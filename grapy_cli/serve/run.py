"""Run `grapy serve`: the parser as a service on one machine."""

import os
import socket
from importlib.util import find_spec

from grapy_cli.errors import SettingsError, install_extra
from grapy_cli.inference.build import load_parser
from grapy_cli.inference.stream import threads_for
from grapy_cli.runtime.interrupt import deferred_interrupts
from grapy_cli.runtime.reporting import Reporter, Told, Warned
from grapy_cli.settings.derive import derive
from grapy_cli.settings.settings import Settings

_NEEDED = ("fastapi", "uvicorn", "python_multipart")
_SPARE_CONNECTIONS = 32
"""More connections than photos in the queue: for uploads, pages and idle browsers."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def run_serve(settings: Settings, reporter: Reporter) -> None:
    """Serve until Ctrl-C or SIGTERM; requests in progress are finished.

    Raises:
        SettingsError: If the extra is missing, or the address cannot be used.
        WeightsError: If the weights cannot be read.
        DeviceError: If the device is absent.
    """
    _check_extra()
    import uvicorn

    from grapy_cli.serve.app import Limits, build_app

    wanted = settings.serve
    listening = _listen(wanted.host, wanted.port)
    with listening, deferred_interrupts():
        local = wanted.host in _LOOPBACK
        parser = load_parser(settings)
        app = build_app(parser, derive(Limits, wanted), local=local)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=wanted.waiting + threads_for(parser).parsing + _SPARE_CONNECTIONS,
            timeout_graceful_shutdown=round(wanted.timeout) + 1,
        )
        port = listening.getsockname()[1]
        name = f"[{wanted.host}]" if ":" in wanted.host else wanted.host
        if not local:
            reporter(Warned(f"everyone who can reach {wanted.host} can use this service"))
        reporter(Told(f"serving at http://{name}:{port}/ (Ctrl-C stops it)"))
        # uvicorn handles both signals, and raises them again when all requests are answered.
        uvicorn.Server(config).run(sockets=[listening])
    reporter(Told("stopped"))


def _check_extra() -> None:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise SettingsError(
            f"grapy serve lacks {', '.join(missing)}",
            hint=install_extra("serve"),
        )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    if os.name != "nt":  # on Windows this would let two servers take one port
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()  # from now on the address is taken; early clients wait a moment
    except (OSError, OverflowError) as error:
        listening.close()
        raise SettingsError(
            f"{host}:{port} cannot be used: {error}",
            hint="Choose another --host or --port; --port 0 takes a free port.",
        ) from error
    return listening
