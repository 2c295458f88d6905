"""The one folder in which `homeward up` keeps everything."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Where each part keeps its data; nobody but the owner may look."""

    root: Path

    @property
    def objects(self) -> Path:
        """Footage, crops, reference photos and the broker's log: the object store's data."""
        return self.root / "objects"

    @property
    def broker(self) -> Path:
        """Where the broker runs; its log is in the object store."""
        return self.root / "broker"

    @property
    def spool(self) -> Path:
        """Clips that are recorded and not yet stored."""
        return self.root / "spool"

    @property
    def credentials(self) -> Path:
        """Cameras' credentials: a file user:password for each name that a camera's description holds."""
        return self.root / "credentials"

    @property
    def templates(self) -> Path:
        """The subjects' templates of live authorisations."""
        return self.root / "templates"

    @property
    def keys(self) -> Path:
        """The private keys: of access, and of the demo provider."""
        return self.root / "keys"

    @property
    def public_keys(self) -> Path:
        """The public keys that services verify authorisations by: a JWKS, which access writes."""
        return self.root / "public-keys.json"

    @property
    def database(self) -> Path:
        """The database of access."""
        return self.root / "access.db"

    @property
    def tls(self) -> Path:
        """The certificates by which the services prove to each other who they are, a folder each."""
        return self.root / "tls"

    @property
    def logs(self) -> Path:
        """What each part wrote."""
        return self.root / "logs"

    @property
    def scratch(self) -> Path:
        """Temporary files of the services."""
        return self.root / "tmp"

    def make(self) -> None:
        """Make the folders that are not there yet; raise OSError where that cannot be."""
        for folder in (
            self.root,
            self.objects,
            self.broker,
            self.spool,
            self.credentials,
            self.templates,
            self.keys,
            self.tls,
            self.logs,
            self.scratch,
        ):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # One that was there already may have been made under another umask.
            folder.chmod(0o700)
