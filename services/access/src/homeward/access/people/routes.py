"""The routes of sign-in and sign-out, and who one is. The pages around them are the console's."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from homeward.access.people.cookies import Cookies
from homeward.access.people.principal import Principal, Role
from homeward.access.people.session_store import Sessions
from homeward.access.people.sign_in import CALLBACK, Answer, SignIn
from homeward.access.web.app import API
from homeward.access.web.client import client_address
from homeward.access.web.gate import Gate
from homeward.access.web.problems import problems
from homeward.shared.authorisation.ranks import Rank

SIGN_IN = "/sign-in"
SIGN_OUT = "/sign-out"
SIGN_OUT_EVERYWHERE = "/sign-out-everywhere"


class Me(BaseModel):
    """Who is signed in."""

    model_config = ConfigDict(frozen=True)

    official_id: str = Field(description="The opaque id by which events and audit records know you.")
    name: str = Field(description="Your name, as your sign-in provider gives it.")
    roles: list[Role] = Field(description="What you may do.")
    rank: Rank = Field(description="Your rank on the site's ladder.")


def people_router(sign_in: SignIn, sessions: Sessions, cookies: Cookies, gate: Gate) -> APIRouter:
    """Return the routes of signing in and out."""
    router = APIRouter()
    somebody = Annotated[Principal, Depends(gate.anybody)]

    @router.get(SIGN_IN, include_in_schema=False)
    def begin(request: Request, next: str | None = None) -> RedirectResponse:  # noqa: A002 - the link's own word
        """Go on to the provider."""
        beginning = sign_in.begin(client_address(request), next)
        response = RedirectResponse(beginning.url, HTTPStatus.SEE_OTHER)
        cookies.set_sign_in(response, beginning.cookie)
        return response

    @router.get(CALLBACK, include_in_schema=False)
    def complete(
        request: Request,
        code: str | None = None,
        state: str | None = None,
        error: str | None = None,
        issuer: Annotated[str | None, Query(alias="iss")] = None,
    ) -> RedirectResponse:
        """Come back from the provider, signed in."""
        answer = Answer(code, state, error, issuer)
        begun, replaced = cookies.sign_in(request.cookies), cookies.session(request.cookies)
        done = sign_in.complete(client_address(request), begun, answer, replaced)
        response = RedirectResponse(done.next_page, HTTPStatus.SEE_OTHER)
        cookies.clear_sign_in(response)
        cookies.set_session(response, done.opened.token)
        return response

    def left() -> RedirectResponse:
        response = RedirectResponse(sign_in.goodbye(), HTTPStatus.SEE_OTHER)
        cookies.clear_session(response)
        return response

    @router.post(SIGN_OUT, include_in_schema=False)
    def leave(principal: somebody) -> RedirectResponse:
        """End this session."""
        sessions.end(principal)
        return left()

    @router.post(SIGN_OUT_EVERYWHERE, include_in_schema=False)
    def leave_everywhere(principal: somebody) -> RedirectResponse:
        """End every session and bearer token of whoever asks."""
        sessions.end_everywhere(principal)
        return left()

    @router.get(
        f"{API}/me",
        responses=problems(),
    )
    def me(principal: somebody) -> Me:
        """Return who is signed in."""
        return Me(
            official_id=principal.official_id,
            name=principal.name,
            roles=sorted(principal.roles),
            rank=principal.rank,
        )

    @router.post(
        f"{API}/me/sign-out-everywhere",
        status_code=HTTPStatus.NO_CONTENT,
        responses=problems(),
    )
    def leave_everywhere_by_token(principal: somebody) -> None:
        """End every session and every bearer token issued to you until now."""
        sessions.end_everywhere(principal)

    return router
