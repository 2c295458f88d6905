"""Reads the forms of pages, gathering everything that is wrong with one before anything is done."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar
from uuid import UUID

from fastapi import Request
from starlette.datastructures import FormData, UploadFile

from homeward.access.cases.model import PhotoUpload
from homeward.access.errors import InvalidError
from homeward.access.web.console.explaining import explain
from homeward.access.web.console.instants import Instants
from homeward.access.web.console.translations import Language
from homeward.shared.authorisation.ceilings import PHOTOS_MAX

_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HOURS_MAX: Final = 10_000

Choice = TypeVar("Choice", bound=StrEnum)


async def read_form(request: Request) -> AsyncIterator[FormData]:
    """Give a route the form that was sent; its files are closed when the answer is ready."""
    async with request.form() as form:
        yield form


class Draft:
    """A form as somebody filled it in.

    What is missing or malformed is noted in `errors`, a sentence by field, and stands for some value: what the methods
    return counts only while `errors` is empty.
    """

    def __init__(self, form: FormData, language: Language, instants: Instants) -> None:
        self._form = form
        self._language = language
        self._instants = instants
        self.errors: dict[str, str] = {}

    @property
    def values(self) -> Mapping[str, str]:
        """The texts of every field, to be shown again."""
        return {name: value for name, value in self._form.multi_items() if isinstance(value, str)}

    def text(self, name: str, *, required: bool = True) -> str:
        """Return a text without space around it."""
        value = self._form.get(name)
        text = value.strip() if isinstance(value, str) else ""
        if required and not text:
            self.errors[name] = self._language(_("This is missing: fill it in"))
        return text

    def many(self, name: str) -> tuple[str, ...]:
        """Return every value of boxes that share a name."""
        return tuple(value for value in self._form.getlist(name) if isinstance(value, str) and value)

    def ticked(self, name: str) -> bool:
        """Whether a box is ticked, or the radio button says yes."""
        return self._form.get(name) == "yes"

    def one_of(self, name: str, choices: type[Choice]) -> Choice:
        """Return what was chosen."""
        value = self._form.get(name)
        for one in choices:
            if one.value == value:
                return one
        self.errors[name] = self._language(_("Choose one of these"))
        return next(iter(choices))

    def instant(self, name: str) -> datetime:
        """Return a time that must be there."""
        return self.optional_instant(name, required=True) or _NEVER

    def optional_instant(self, name: str, *, required: bool = False) -> datetime | None:
        """Return a time of the site's zone, None for an empty field."""
        text = self.text(name, required=required)
        if not text:
            return None
        try:
            return self._instants.read_field(text)
        except (ValueError, OverflowError):
            self.errors[name] = self._language(_("Write a day and a time, such as 2026-11-23 21:40"))
            return None

    def optional_hours(self, name: str) -> timedelta | None:
        """Return a span of whole hours, None for an empty field."""
        text = self.text(name, required=False)
        if not text:
            return None
        if not (text.isascii() and text.isdigit()) or not 0 < int(text) <= _HOURS_MAX:
            self.errors[name] = self._language(_("Write a whole number of hours"))
            return None
        return timedelta(hours=int(text))

    def photos(self) -> Sequence[PhotoUpload]:
        """Return the photos: fields `photos.<i>.file`, `.source` and `.taken_on`; a row without a file counts not."""
        found = []
        for index in range(PHOTOS_MAX):
            row = f"photos.{index}"
            upload = self._form.get(f"{row}.file")
            if not isinstance(upload, UploadFile) or not upload.filename:
                continue
            source = self.text(f"{row}.source")
            found.append(PhotoUpload(upload.file.read(), source, self._day(f"{row}.taken_on"), upload.content_type))
        if not found:
            self.errors["photos"] = self._language(_("Add a photo of the person"))
        return found

    def once(self) -> UUID | None:
        """Return what tells this form from every other that was opened, None where it is not told."""
        value = self._form.get("once")
        try:
            return UUID(value) if isinstance(value, str) else None
        except ValueError:
            return None

    def refused(self, error: InvalidError, renamed: Mapping[str, str] | None = None) -> None:
        """Note what the use case found wrong; `renamed` gives fields that this form calls otherwise."""
        field = error.field or ""
        self.errors[(renamed or {}).get(field, field)] = explain(self._language, error.code, error.reason)

    def _day(self, name: str) -> date:
        text = self.text(name)
        try:
            return date.fromisoformat(text)
        except ValueError:
            self.errors.setdefault(name, self._language(_("Write a day, such as 2026-11-23")))
            return _NEVER.date()


def _(text: str) -> str:
    """Mark a text for the catalogues."""
    return text
