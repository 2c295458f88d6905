"""Renders the console's pages: one template, one language, one person's navigation."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from homeward.access.people.principal import Principal
from homeward.access.sentence import Sentence
from homeward.access.web.console.assets import Assets
from homeward.access.web.console.explaining import explain
from homeward.access.web.console.instants import Instants
from homeward.access.web.console.navigation import current, places_of
from homeward.access.web.console.sentences import Sentences
from homeward.access.web.console.translations import Language, Languages
from homeward.shared.clock import Clock

WELCOME: Final = "/welcome"
"""The page for whoever is not signed in; it leads to the provider, and back to where they wanted to go."""

_TEMPLATES: Final = Path(__file__).parent.parent / "templates"
_UNKEPT: Final[Mapping[str, str]] = {"Cache-Control": "no-store"}

Csrf = Callable[[Request], str]
"""Gives the CSRF token of a request's session, the empty string where there is no session. Asks no database."""


class Pages:
    """Renders templates, which live in a folder for each room. Thread-safe.

    Templates know, beside what a route gives them: `status`, `principal` (None for nobody), `navigation` and
    `here` in it, `csrf`, `language`, `languages`, `zone`, `now`, `path`; `asset(name)`, `_`; the filters of times
    (`long`, `short`, `day`, `clock`, `field`, `span`, `until`) and of sentences (`sentence`). Nothing rendered is kept
    by a browser or a proxy.

    A text in `_` is markup, and a percent sign in it is a placeholder's: what comes from elsewhere goes through
    `language(...)` instead.
    """

    def __init__(self, assets: Assets, languages: Languages, zone: ZoneInfo, clock: Clock, csrf: Csrf) -> None:
        self._languages = languages
        self._zone = zone
        self._clock = clock
        self._csrf = csrf
        self._environments = {language.tag: self._environment(assets, language) for language in languages}

    def render(
        self,
        request: Request,
        template: str,
        *,
        status: HTTPStatus = HTTPStatus.OK,
        headers: Mapping[str, str] | None = None,
        **context: object,
    ) -> Response:
        """Return a page. Whoever the gate let in is the page's `principal`."""
        language = self._languages.of(request)
        principal = signed_in(request)
        navigation = places_of(principal) if principal is not None else []
        shared: dict[str, object] = {
            "status": status,
            "principal": principal,
            "navigation": navigation,
            "here": current(request.url.path, navigation),
            "path": request.url.path,
            "csrf": self._csrf(request),
            "language": language,
            "languages": list(self._languages),
            "zone": self._zone.key,
            "now": self._clock.now(),
        }
        if clash := shared.keys() & context.keys():
            raise ValueError(f"every page has {', '.join(sorted(clash))} already: name them otherwise")
        html = self._environments[language.tag].get_template(template).render(shared | context)
        return HTMLResponse(html, status, {**_UNKEPT, "Vary": "Accept-Language, Cookie", **(headers or {})})

    def error(self, request: Request, status: HTTPStatus, code: str, reason: Sentence) -> Response:
        """Return the page of an error. Somebody who has to sign in is led there, and back afterwards."""
        if status is HTTPStatus.UNAUTHORIZED and request.method == "GET":
            return RedirectResponse(f"{WELCOME}?next={quote(request.url.path, safe='/')}", HTTPStatus.SEE_OTHER)
        return self.render(
            request, "error.html", status=status, code=code, reason=explain(self.language(request), code, reason)
        )

    def language(self, request: Request) -> Language:
        """Return the language of a request, for texts that are not in a template."""
        return self._languages.of(request)

    def instants(self, request: Request) -> Instants:
        """Return how times are written and read for a request."""
        return Instants(self._languages.of(request), self._zone)

    def _environment(self, assets: Assets, language: Language) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            extensions=["jinja2.ext.i18n"],
        )
        environment.install_gettext_translations(language.texts, newstyle=True)  # type: ignore[attr-defined]
        instants = Instants(language, self._zone)
        environment.filters |= {
            "long": instants.long,
            "short": instants.short,
            "day": instants.day,
            "clock": instants.clock,
            "field": instants.field,
            "span": instants.span,
            "until": instants.until,
            "sentence": Sentences(language, instants),
        }
        environment.globals |= {"asset": assets.address}
        return environment


def signed_in(request: Request) -> Principal | None:
    """Return whom the gate let in with this request, None where it was not asked."""
    found = getattr(request.state, "principal", None)
    return found if isinstance(found, Principal) else None
