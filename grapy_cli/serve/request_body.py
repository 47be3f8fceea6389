"""Read photos from requests, with bounded memory."""

from collections.abc import AsyncIterator

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from grapy_cli.errors import PhotoError


class TooLargeError(Exception):
    """A photo has more bytes or pixels than the limits."""


async def read_body(request: Request, most: int) -> bytes:
    """Read the photo of a request: its body, or the first file of a form.

    Args:
        request: Its body must not have been read.
        most: Largest size of the body, bytes.

    Raises:
        TooLargeError: If there is more.
        PhotoError: If there is none.
    """
    claimed = request.headers.get("content-length", "")
    # A value that is not a number is ignored: the bytes that arrive are counted anyway.
    if claimed.isdecimal() and (len(claimed) > 18 or int(claimed) > most):
        raise TooLargeError(_words(most))
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        data = await _read_form(request, most)
    else:
        data = b"".join([chunk async for chunk in _stream(request, most)])
    if not data:
        raise PhotoError(
            "the request has no photo", hint="curl --data-binary @me.jpg, or -F photo=@me.jpg"
        )
    return data


async def _read_form(request: Request, most: int) -> bytes:
    try:
        form = await MultiPartParser(request.headers, _stream(request, most)).parse()  # type: ignore[arg-type]
    except (MultiPartException, KeyError) as error:
        raise PhotoError(f"the form cannot be read: {error}") from error
    try:
        for _, value in form.multi_items():
            if isinstance(value, UploadFile):
                return await value.read()
        return b""
    finally:
        await form.close()


async def _stream(request: Request, most: int) -> AsyncIterator[bytes]:
    read = 0
    async for chunk in request.stream():
        read += len(chunk)
        if read > most:
            raise TooLargeError(_words(most))
        yield chunk


def _words(most: int) -> str:
    return f"the request has more than {most / 1e6:g} MB"
