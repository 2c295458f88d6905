"""The two people of the demo, who ask and approve, and the key that signs for them.

They exist in a data folder that `homeward up` or `homeward demo` made, and nowhere else: in a deployment, people sign
in and the access service signs.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from homeward.shared.authorisation import KeySet, Rank, SigningKey
from homeward.shared.authorisation.policy import Official

KEYS_FILE: Final = "public.json"
"""The JWKS by which services verify."""

_AUTHORITY: Final = "authority.pem"
_OFFICER: Final = Official("demo-officer", Rank.OFFICER)
_APPROVER: Final = Official("demo-approver", Rank.SUPERVISOR)


class NoDemoIdentitiesError(Exception):
    """The folder holds no demo identities, so nothing can be authorised from here."""


class BadSignatureError(Exception):
    """What was signed is not what is to be done, or not by whom it says."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One of the two people, with their own key."""

    official: Official
    key: SigningKey

    def sign(self, document: bytes) -> bytes:
        """Return this person's signature of `document`."""
        return self.key.sign(document)


@dataclass(frozen=True, slots=True)
class DemoIdentities:
    """The officer, the approver, and the authority's own signing key."""

    officer: Identity
    approver: Identity
    authority: SigningKey

    @classmethod
    def make(cls, folder: Path) -> Self:
        """Return the identities in `folder`, made now where they are not there yet.

        Only what starts a demo system calls this. Raises KeyFileError.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        names = (_AUTHORITY, _file(_OFFICER), _file(_APPROVER))
        for name in names:
            if not (folder / name).exists():
                SigningKey.generate().save(folder / name)
        made = cls.load(folder)
        KeySet.of([made.authority.public_key]).save_jwks(folder / KEYS_FILE)
        return made

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the identities in `folder`.

        Raises NoDemoIdentitiesError when there are none, KeyFileError when they are not fit to be used.
        """
        if not (folder / _AUTHORITY).exists():
            raise NoDemoIdentitiesError(
                f"{folder} holds no demo identities. `homeward authorise` signs with those that `homeward up` and "
                "`homeward demo` make, and with nothing else: anywhere else, the access service authorises"
            )
        return cls(
            Identity(_OFFICER, SigningKey.load(folder / _file(_OFFICER))),
            Identity(_APPROVER, SigningKey.load(folder / _file(_APPROVER))),
            SigningKey.load(folder / _AUTHORITY),
        )

    def signer(self, official_id: str, document: bytes, signature: bytes) -> Official:
        """Return the official whose signature of `document` this is; raise BadSignatureError."""
        known: Mapping[str, Identity] = {one.official.official_id: one for one in (self.officer, self.approver)}
        identity = known.get(official_id)
        if identity is None or not identity.key.has_signed(document, signature):
            raise BadSignatureError("the request was not signed by who it says")
        return identity.official


def _file(official: Official) -> str:
    return f"{official.official_id}.pem"


def canonical(document: Mapping[str, object]) -> bytes:
    """Return `document` as the one text that is signed."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), default=str).encode()
