"""Errors as answers: RFC 9457 problem details for programs, a page for people."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from homeward.access.cases.ports import SigningError
from homeward.access.database.database import DatabaseAwayError
from homeward.access.errors import (
    AccessError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    NotSignedInError,
    TooManyError,
)
from homeward.access.people.ports import ProviderAwayError
from homeward.access.sentence import Sentence
from homeward.shared.audit import AuditUnavailableError
from homeward.shared.objectstore.port import ObjectStoreError
from homeward.shared.telemetry.logging import get_logger

MEDIA_TYPE: Final = "application/problem+json"

_STATUS: Final[tuple[tuple[type[AccessError], HTTPStatus], ...]] = (
    (NotSignedInError, HTTPStatus.UNAUTHORIZED),
    (ForbiddenError, HTTPStatus.FORBIDDEN),
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (InvalidError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (ConflictError, HTTPStatus.CONFLICT),
    (TooManyError, HTTPStatus.TOO_MANY_REQUESTS),
)
_NOWHERE: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
_NO_PAGE: Final = Sentence("there is no such page")
_AWAY: Final = (DatabaseAwayError, AuditUnavailableError, ObjectStoreError, ProviderAwayError, SigningError)

Page = Callable[[Request, HTTPStatus, str, Sentence], Response]
"""Renders an error for a person: the request, the status, the code and the reason."""

_log = get_logger()


class Problem(BaseModel):
    """An error of the API (RFC 9457)."""

    type: str = Field(description="Always about:blank: `code` tells errors apart.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    code: str = Field(description="What is wrong, for programs.")
    detail: str = Field(description="What is wrong and what to do, for people.")
    field: str | None = Field(default=None, description="The part of the request at fault.")


def refused() -> dict[str, Any]:
    """Return the declaration of an error by which any route may be refused, whatever else it declares."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"model": Problem, "content": content, "description": "The request is refused as it stands."}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the declaration of the errors that a route of the API may answer, beside those that all have."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    told = {401, 403, 404, 422, 429, 503, *statuses}
    return {status: {"model": Problem, "content": content} for status in sorted(told)}


class Problems:
    """Answers every error of an app: `page` renders those of a browser's navigation, problem details are the rest."""

    def __init__(self, page: Page | None = None) -> None:
        self._page = page

    def register(self, app: FastAPI) -> None:
        """Have `app` answer its errors so."""
        app.add_exception_handler(AccessError, self._refused)
        for kind in _AWAY:
            app.add_exception_handler(kind, self._away)
        app.add_exception_handler(RequestValidationError, self._malformed)
        app.add_exception_handler(HTTPException, self._plain)

    def answer(
        self, request: Request, status: HTTPStatus, code: str, reason: Sentence, field: str | None = None
    ) -> Response:
        """Return one error as an answer; `field` is the part of the request at fault."""
        if self._page is not None and not request.url.path.startswith("/api/") and _wants_page(request):
            return self._page(request, status, code, reason)
        body: dict[str, object] = {"type": "about:blank", "title": status.phrase, "status": status, "code": code}
        body |= {"detail": str(reason)} | ({"field": field} if field else {})
        return JSONResponse(body, status, media_type=MEDIA_TYPE)

    def _refused(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, AccessError):
            raise error
        status = next((status for kind, status in _STATUS if isinstance(error, kind)), HTTPStatus.BAD_REQUEST)
        field = error.field if isinstance(error, InvalidError) else None
        response = self.answer(request, status, error.code, error.reason, field)
        if isinstance(error, TooManyError):
            response.headers["Retry-After"] = str(error.retry_after_s)
        if isinstance(error, NotSignedInError):
            response.headers["WWW-Authenticate"] = "Bearer"
        return response

    def _away(self, request: Request, error: Exception) -> Response:
        _log.error("request is not done: something is away", error=error)
        reason = Sentence("Homeward cannot do this now, and nothing was done; try again in a minute")
        response = self.answer(request, HTTPStatus.SERVICE_UNAVAILABLE, "away", reason)
        response.headers["Retry-After"] = "5"
        return response

    def _malformed(self, request: Request, error: Exception) -> Response:
        # Names the fields alone: what somebody typed may be a name.
        places = error.errors() if isinstance(error, RequestValidationError) else []
        fields = [".".join(str(part) for part in one["loc"][1:]) or str(one["loc"][0]) for one in places]
        named = ", ".join(sorted(set(fields)))
        reason = Sentence("these fields are missing or malformed: {fields}", {"fields": named})
        field = fields[0] if fields else None
        return self.answer(request, HTTPStatus.UNPROCESSABLE_ENTITY, "malformed", reason, field)

    def _plain(self, request: Request, error: Exception) -> Response:
        status = HTTPStatus(error.status_code) if isinstance(error, HTTPException) else HTTPStatus.BAD_REQUEST
        reason = _NO_PAGE if status in _NOWHERE else Sentence(status.description or status.phrase)
        response = self.answer(request, status, status.name.lower(), reason)
        if isinstance(error, HTTPException) and error.headers:
            response.headers.update(error.headers)
        return response


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")
