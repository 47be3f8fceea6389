"""The page at `/`: people drop photos on it and see their parts; it loads no other file."""

import base64
import hashlib
import re

from grapy_cli.html.pages import render


def render_page() -> tuple[str, str]:
    """Return the page and its Content-Security-Policy.

    The policy lets the page run its own style and script, known by their hashes, and no other.
    """
    document = render("serve.html")

    def hashes(tag: str) -> str:
        found = re.findall(f"<{tag}>(.*?)</{tag}>", document, re.DOTALL)
        digests = (hashlib.sha256(one.encode()).digest() for one in found)
        return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)

    rules = (
        "default-src 'none'",
        f"script-src {hashes('script')}",
        f"style-src {hashes('style')}",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return document, "; ".join(rules)
