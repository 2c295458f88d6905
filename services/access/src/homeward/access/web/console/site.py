"""What every visitor meets: the welcome, and the choice of a language."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from homeward.access.errors import InvalidError
from homeward.access.web.console.pages import WELCOME, Pages
from homeward.access.web.console.translations import COOKIE, Languages

_YEAR_S: Final = 365 * 24 * 3600


def site_router(pages: Pages, languages: Languages, *, https: bool) -> APIRouter:
    """Return the pages that need nobody signed in. `https` says how browsers reach us, for the cookie."""
    router = APIRouter(include_in_schema=False)

    @router.get(WELCOME)
    def welcome(request: Request, next: str = "/") -> Response:  # noqa: A002 - the name in the address
        return pages.render(request, "welcome.html", onward=inside(next))

    @router.post("/language")
    def choose(language: Annotated[str, Form()], back: Annotated[str, Form()] = "/") -> Response:
        if languages.named(language) is None:
            raise InvalidError("language", "there is no such language", field="language")
        response = RedirectResponse(inside(back), HTTPStatus.SEE_OTHER)
        response.set_cookie(COOKIE, language, max_age=_YEAR_S, httponly=True, samesite="lax", secure=https)
        return response

    return router


def inside(path: str) -> str:
    """Return `path` where it leads into the console, and its first page where it leads anywhere else."""
    # A browser takes a backslash for a slash and drops line ends, so `/\host` and `/<newline>/host` lead outside too.
    if path.startswith("/") and not path.startswith("//") and path.isprintable() and "\\" not in path:
        return path
    return "/"
