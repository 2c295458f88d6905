"""The key that signs checkpoints of the log, and the public keys that ever did."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from homeward.shared.authorisation.keys import KeyFileError, KeySet, SigningKey

_KEY: Final = "checkpoints.pem"
_PUBLIC: Final = "checkpoints.jwks.json"


@dataclass(frozen=True, slots=True)
class CheckpointKeys:
    """`signing` signs; `public` are its public half and those of its predecessors, whose checkpoints still count."""

    signing: SigningKey
    public: KeySet

    @classmethod
    def of_folder(cls, folder: Path) -> Self:
        """Return the keys in `folder`, which is made, with a first key, where it is missing.

        To change the key, move its file away and start anew: the public half stays. Raises KeyFileError.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise KeyFileError(f"{folder} cannot be made: {error.strerror}") from error
        file, jwks = folder / _KEY, folder / _PUBLIC
        if not file.exists():
            SigningKey.generate().save(file)
        signing = SigningKey.load(file)
        earlier = KeySet.from_jwks_file(jwks).keys.values() if jwks.exists() else ()
        public = KeySet.of([*earlier, signing.public_key])
        public.save_jwks(jwks)
        return cls(signing, public)
