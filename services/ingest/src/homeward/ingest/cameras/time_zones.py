"""Time zones by the names of the IANA database."""

from zoneinfo import ZoneInfo


class UnknownTimeZoneError(ValueError):
    """A name that the time zone database does not know."""


def time_zone(name: str) -> ZoneInfo:
    """Return the time zone of `name`, such as "Asia/Taipei"; raise UnknownTimeZoneError."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        # An empty name, one that leaves the database's folder, and a folder of it ("Asia") each raise another class.
        raise UnknownTimeZoneError(
            'the time zone is not a name of the IANA time zone database, such as "Asia/Taipei"'
        ) from None
