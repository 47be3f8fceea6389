"""A stand-in for the Hugging Face Hub on loopback, with the few routes that a download uses."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_open_sesame"


@dataclass(frozen=True)
class Repository:
    """A folder that is served as a repository; `main` and the commit are its revisions."""

    folder: Path
    access: str = "public"
    """public, private or gated."""


@dataclass(frozen=True)
class Hub:
    """A server that runs."""

    endpoint: str
    requests: list[str] = field(default_factory=list)
    """Method and path of each request."""


@contextmanager
def hub_of(repositories: Mapping[str, Repository]) -> Iterator[Hub]:
    """Serve repositories, by OWNER/NAME, until the block ends."""
    requests: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, *, with_body: bool) -> None:
            path = urlsplit(self.path).path.strip("/")
            requests.append(f"{self.command} /{path}")
            words = path.removeprefix("api/models/").split("/")
            name, rest = "/".join(words[:2]), words[2:]
            found = repositories.get(name)
            has_token = self.headers.get("authorization") == f"Bearer {TOKEN}"
            if found is None or (found.access == "private" and not has_token):
                return self._refuse(401, "RepoNotFound")
            if rest[1:2] and rest[1] not in ("main", COMMIT):
                return self._refuse(404, "RevisionNotFound")
            if found.access == "gated" and not has_token:
                return self._refuse(403, "GatedRepo")
            if path.startswith("api/"):
                files = sorted(one for one in found.folder.iterdir() if one.is_file())
                return self._say(_api(name, rest, files), with_body=with_body)
            file = found.folder / "/".join(rest[2:])
            if not file.is_file():
                return self._refuse(404, "EntryNotFound")
            return self._say(file.read_bytes(), with_body=with_body)

        def _say(self, content: bytes, *, with_body: bool) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            if with_body:
                self.wfile.write(content)

        def _refuse(self, status: int, code: str) -> None:
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("X-Error-Message", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Hub(f"http://127.0.0.1:{server.server_address[1]}", requests)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _api(name: str, rest: list[str], files: list[Path]) -> bytes:
    """Answer what is asked of a repository: its facts, or its files."""
    if rest[:1] == ["tree"]:
        rows = [
            {
                "type": "file",
                "path": file.name,
                "size": file.stat().st_size,
                "oid": hashlib.sha1(file.read_bytes()).hexdigest(),
            }
            for file in files
        ]
        return json.dumps(rows).encode()
    siblings = [{"rfilename": file.name} for file in files]
    return json.dumps({"id": name, "modelId": name, "sha": COMMIT, "siblings": siblings}).encode()
