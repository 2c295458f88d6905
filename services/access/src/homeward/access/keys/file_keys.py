"""Private keys in files that access alone can read."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from homeward.access.keys.ports import KeyStoreError
from homeward.shared.authorisation import KeyFileError, SigningKey

_FOLDER_MODE = 0o700


class FileKeys:
    """The port `KeyStore` on a folder, a file a key. Replicas share the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def make(self) -> Ed25519PublicKey:
        """Make a new key; raise KeyStoreError."""
        key = SigningKey.generate()
        try:
            self._folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            key.save(self._path(key.key_id))
        except (OSError, KeyFileError) as error:
            raise KeyStoreError("a new signing key cannot be written") from error
        return key.public_key

    def sign(self, key_id: str, document: bytes) -> bytes:
        """Return the key's signature; raise KeyStoreError where its file is missing or not fit to be used."""
        try:
            return SigningKey.load(self._path(key_id)).sign(document)
        except KeyFileError as error:
            raise KeyStoreError("the signing key cannot be read") from error

    def destroy(self, key_id: str) -> None:
        """Remove the key's file; raise KeyStoreError."""
        try:
            self._path(key_id).unlink(missing_ok=True)
        except OSError as error:
            raise KeyStoreError("a signing key cannot be removed") from error

    def _path(self, key_id: str) -> Path:
        return self._folder / f"{key_id}.pem"
