"""Where private keys lie."""

from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class KeyStoreError(Exception):
    """The store of private keys does not do what it was asked; it may be tried again. Names no key."""


class KeyStore(Protocol):
    """Private keys that never leave their store: files that access alone can read, or a key management service.

    Every method blocks until the store has answered, and raises KeyStoreError. Safe to use from several threads.
    """

    def make(self) -> Ed25519PublicKey:
        """Make a new Ed25519 key and return its public half; its RFC 7638 thumbprint is its id."""
        ...

    def sign(self, key_id: str, document: bytes) -> bytes:
        """Return the key's signature of `document`."""
        ...

    def destroy(self, key_id: str) -> None:
        """Destroy a private key; one that is not there is no error."""
        ...
