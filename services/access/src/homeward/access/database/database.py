"""The connection to the database, and its transactions."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

_IN_MEMORY: Final = "sqlite://"


class DatabaseAwayError(Exception):
    """The database does not answer; what was to be done was not done, and may be tried again."""


class Database:
    """PostgreSQL, or SQLite for one machine. Safe to use from several threads: each transaction is one's own."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        """`url` is SQLAlchemy's; "sqlite://" is a database in memory, for tests. Connects at first use."""
        in_memory = url == _IN_MEMORY
        options: dict[str, Any] = {"poolclass": StaticPool} if in_memory else {"pool_pre_ping": True}
        if url.startswith("sqlite"):
            options["connect_args"] = {"check_same_thread": False, "timeout": 30.0}
        else:
            options["pool_size"] = pool_size
        self._committed: list[Callable[[], None]] = []
        self.engine: Engine = create_engine(url, **options)
        if url.startswith("sqlite"):
            _tell_sqlite(self.engine)

    def on_commit(self, told: Callable[[], None]) -> None:
        """Have `told` called after each transaction that was committed; it must return at once and raise nothing."""
        self._committed.append(told)

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """Open one transaction: committed when the block ends, rolled back when it raises.

        Objects stay readable after the commit. Raises DatabaseAwayError when the database does not answer.
        """
        with translated(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session
        for told in self._committed:
            told()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open one transaction for reading alone; nothing is committed. Raises DatabaseAwayError."""
        with translated(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    def answers(self) -> bool:
        """Return whether the database answers now."""
        try:
            with self.read() as session:
                session.execute(text("SELECT 1"))
        except DatabaseAwayError:
            return False
        return True

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


@contextmanager
def translated() -> Iterator[None]:
    """Raise DatabaseAwayError for the driver's errors that say so; others go on as they are."""
    try:
        yield
    except OperationalError as error:
        # The driver's text repeats the statement and its values.
        raise DatabaseAwayError(f"the database does not answer ({type(error.orig).__name__})") from None
    except DBAPIError as error:
        if error.connection_invalidated:
            raise DatabaseAwayError("the connection to the database was lost") from None
        raise


def _tell_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        # SQLAlchemy begins transactions itself: the driver would begin them late, after a read has made a choice.
        connection.isolation_level = None
        # A journal that is emptied at each commit: a write-ahead log would hold what was erased until it is full.
        for pragma in ("journal_mode=TRUNCATE", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Any) -> None:
        # One writer at a time, from the beginning: two that both read first would otherwise fail at the write.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
