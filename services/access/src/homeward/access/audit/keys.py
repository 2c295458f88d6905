"""The key that signs checkpoints of the log, and the public keys that ever did."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from homeward.access.outbox.outbox import SOURCE
from homeward.shared.audit import Audit, Entry
from homeward.shared.authorisation.keys import KeyFileError, KeySet, SigningKey
from homewardapi.audit.v1 import audit_pb2

_KEY: Final = "checkpoints.pem"
_PUBLIC: Final = "checkpoints.jwks.json"


@dataclass(frozen=True, slots=True)
class CheckpointKeys:
    """`signing` signs; `public` are its public half and those of its predecessors, whose checkpoints still count."""

    signing: SigningKey
    public: KeySet

    @classmethod
    def of_folder(cls, folder: Path, audit: Audit) -> Self:
        """Return the keys in `folder`; a key that is missing is made, once that is recorded.

        To change the key, move its file away and start anew: the public half stays. Raises KeyFileError, and
        AuditUnavailableError where a key has to be made.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise KeyFileError(f"{folder} cannot be made: {error.strerror}") from error
        file, jwks = folder / _KEY, folder / _PUBLIC
        if not file.exists():
            made = SigningKey.generate()
            audit.record(Entry(audit_pb2.AUDIT_ACTION_KEY_CHANGED, SOURCE, key_id=made.key_id, code="checkpoints"))
            made.save(file)
        signing = SigningKey.load(file)
        earlier = KeySet.from_jwks_file(jwks).keys.values() if jwks.exists() else ()
        public = KeySet.of([*earlier, signing.public_key])
        public.save_jwks(jwks)
        return cls(signing, public)
