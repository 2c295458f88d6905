"""Where a browser goes after it has signed in: a page of ours, whatever the link said."""

from typing import Final

HOME: Final = "/"

_LONGEST: Final = 1000
_BACK_AGAIN: Final = ("/sign-in", "/sign-out", "/api/")


def next_page(asked: str | None) -> str:
    """Return `asked` when it is a path of ours, home otherwise.

    A path begins with one slash. Two of them, or one and a backslash, name another host to browsers, which also drop
    tabs and line breaks before they look; so nothing but printable ASCII without backslashes passes.
    """
    if asked is None or not asked.startswith("/") or asked.startswith("//") or len(asked) > _LONGEST:
        return HOME
    if "\\" in asked or not all("!" <= each <= "~" for each in asked) or asked.startswith(_BACK_AGAIN):
        return HOME
    return asked
