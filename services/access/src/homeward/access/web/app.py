"""The web application: its routes, its errors, and what every answer carries."""

from collections.abc import Iterable
from typing import Final

from fastapi import APIRouter, FastAPI

from homeward.access.web.problems import Page, Problems, refused
from homeward.access.web.security import Shield

API: Final = "/api/v1"
"""Where the routes for programs begin; everything else is for people and browsers."""


def build_app(routers: Iterable[APIRouter], *, page: Page | None = None, shield: Shield | None = None) -> FastAPI:
    """Return the application with `routers`; `page` renders errors for people, `shield` stands before every route.

    The OpenAPI 3.1 document is at /api/v1/openapi.json; its viewer is left out, since it loads from outside.
    """
    app = FastAPI(
        title="Homeward access",
        version="1",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        # Host, sizes, rates and what is no HTTP form are judged before a route is reached.
        responses={"default": refused()},
    )
    problems = Problems(page)
    problems.register(app)
    if shield is not None:
        shield.register(app, problems)
    for router in routers:
        app.include_router(router)
    return app
