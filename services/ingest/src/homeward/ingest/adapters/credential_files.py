"""Cameras' credentials: one file each, named by the camera's `credentials_ref`, holding user:password."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from homeward.ingest.ports import SourceUnreachableError

_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?")
_LONGEST_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user's name and password, neither of which prints itself."""

    user: SecretStr
    password: SecretStr


class CredentialFiles:
    """Reads credentials anew for each connection, so that a changed file holds from the next one on."""

    def __init__(self, folder: Path | None) -> None:
        """`folder` is None where no camera has credentials."""
        self._folder = folder

    def read(self, camera_id: str, reference: str) -> Credentials:
        """Return the credentials called `reference`; raise SourceUnreachableError when there are none to use."""
        if self._folder is None:
            raise SourceUnreachableError(
                f"camera {camera_id}: it asks for credentials, and no credentials folder is set"
            )
        if _NAME.fullmatch(reference) is None:
            # A path would read any file of the machine and send it to the camera.
            raise SourceUnreachableError(f"camera {camera_id}: its credentials_ref is not a plain file name")
        try:
            with (self._folder / reference).open("rb") as file:
                text = file.read(_LONGEST_BYTES + 1)
        except OSError:
            raise SourceUnreachableError(f"camera {camera_id}: its credentials file cannot be read") from None
        try:
            user, separator, password = text.decode().rstrip("\r\n").partition(":")
        except UnicodeDecodeError:
            separator = user = password = ""
        if not separator or not user or len(text) > _LONGEST_BYTES:
            raise SourceUnreachableError(f"camera {camera_id}: its credentials file does not hold user:password")
        return Credentials(SecretStr(user), SecretStr(password))
