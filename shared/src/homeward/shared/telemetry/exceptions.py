"""Exceptions as they may be logged: their types and where they passed, without any value that they carried."""

import traceback
from pathlib import PurePath
from typing import Final

_MOST_FRAMES: Final = 20
_MOST_CAUSES: Final = 5
_LONGEST_MESSAGE: Final = 300
_OWN: Final = "homeward."


def describe(error: BaseException) -> dict[str, object]:
    """Return the fields of `error`: `error_type`, `error` where the message is ours, `caused_by` and `traceback`.

    A message of another library's class may hold what it was working on, so only the class is told. A frame is a file
    with its folder, a line and a function; never the line's text or a local value.
    """
    fields: dict[str, object] = {"error_type": type_name(error)}
    if (message := own_message(error)) is not None:
        fields["error"] = message
    causes = _causes(error)
    if causes:
        fields["caused_by"] = [type_name(cause) for cause in causes]
    frames = [
        _frame(entry.filename, entry.lineno, entry.name)
        for each in (*reversed(causes), error)
        for entry in traceback.extract_tb(each.__traceback__)
    ]
    if frames:
        fields["traceback"] = frames[-_MOST_FRAMES:]
    return fields


def type_name(error: BaseException) -> str:
    """Return the full name of the class of `error`."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def own_message(error: BaseException) -> str | None:
    """Return the message of an exception class of ours on one line, cut; None for any other class.

    Ours name the camera, the clip or the request, by rule.
    """
    if not type(error).__module__.startswith(_OWN):
        return None
    return " ".join(str(error).split())[:_LONGEST_MESSAGE]


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    seen = {id(error)}
    while len(found) < _MOST_CAUSES:
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is None or id(cause) in seen:
            break
        seen.add(id(cause))
        found.append(cause)
        error = cause
    return found


def _frame(filename: str, line: int | None, function: str) -> str:
    path = PurePath(filename)
    return f"{path.parent.name}/{path.name}:{line} {function}" if path.parent.name else f"{path.name}:{line} {function}"
