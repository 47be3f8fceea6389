"""Turn errors into responses: a status, and JSON with `error` and `hint`."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from grapy_cli.errors import DeviceError, GrapyError
from grapy_cli.serve.queue import QueueFullError
from grapy_cli.serve.request_body import TooLargeError


def add_error_handlers(app: FastAPI) -> None:
    """Add the response of each kind of error to an app."""

    def say(status: int, error: str, hint: str = "", **headers: str) -> JSONResponse:
        return JSONResponse({"error": error, "hint": hint}, status, headers)

    @app.exception_handler(GrapyError)
    def _(_: Request, error: GrapyError) -> JSONResponse:
        status = 503 if isinstance(error, DeviceError) else 422
        return say(status, error.message, error.hint)

    @app.exception_handler(RequestValidationError)
    def _(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        return say(422, f"{first['loc'][-1]}: {first['msg']}")

    @app.exception_handler(TooLargeError)
    def _(_: Request, error: TooLargeError) -> JSONResponse:
        return say(413, str(error), Connection="close")  # what is left of the body is not read

    @app.exception_handler(QueueFullError)
    def _(_: Request, error: QueueFullError) -> JSONResponse:
        return say(503, "the queue is full", str(error), **{"Retry-After": str(error.seconds)})

    @app.exception_handler(TimeoutError)
    def _(_: Request, error: TimeoutError) -> JSONResponse:
        return say(504, "the photo took too long to arrive or to be parsed")
