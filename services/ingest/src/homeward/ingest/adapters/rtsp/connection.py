"""The dialogue with a camera: requests and their answers, who we are, and that we are still there."""

import secrets
from collections.abc import Callable, Mapping
from typing import Final

from homeward.ingest.adapters.rtsp import authentication, messages
from homeward.ingest.adapters.rtsp.errors import EndedError, RefusedError
from homeward.ingest.adapters.rtsp.messages import Message
from homeward.ingest.adapters.rtsp.streams import ByteStream
from homeward.ingest.adapters.rtsp.wire import Wire
from homeward.shared.clock import Clock

_OK: Final = 200
_UNAUTHORISED: Final = 401
_NO_TRANSPORT: Final = 461
_REASONS: Final = {
    403: "it refuses",
    404: "it knows no such stream",
    453: "its bandwidth does not suffice",
    _NO_TRANSPORT: "it does not offer this transport",
    503: "it is not available",
}
_GONE: Final = frozenset({404, 454, 481})
"""What a camera answers once it has forgotten the session."""

_FAREWELL_S: Final = 0.3
"""How long the answer to a TEARDOWN is waited for: hanging up sooner would reset the connection before it is read."""


class Connection:
    """Speaks with one camera. For one thread. `wire` reads; who streams over TCP adds sinks to it."""

    def __init__(
        self, stream: ByteStream, login: tuple[str, str] | None, *, clock: Clock, astray: Callable[[], None]
    ) -> None:
        """`login` is user and password; `astray` is called for bytes that are no RTSP."""
        self.wire = Wire(stream, heard=self._hear, astray=astray)
        self.session: str | None = None
        self._stream = stream
        self._login = login
        self._clock = clock
        self._challenge: authentication.Challenge | None = None
        self._uses = 0
        self._number = 0
        self._answer: Message | None = None
        self._then: Callable[[Message], None] | None = None
        self._awaits = 0
        self._alive = ("OPTIONS", "")
        self._alive_number = 0

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        until_s: float,
        then: Callable[[Message], None] | None = None,
    ) -> Message:
        """Ask and return the answer, which is a success. `until_s` is a monotonic time.

        `then` gets the answer before anything that came behind it is read. Raises RefusedError for any other answer,
        and as `Wire.pump` does.
        """
        known = self._challenge
        while True:
            answer = self._ask(method, url, headers or {}, until_s, then)
            if answer.status != _UNAUTHORISED:
                break
            if self._login is None:
                raise RefusedError("it asks for credentials")
            before, self._challenge, self._uses = self._challenge, self._best(answer), 0
            if before is not None and before is not known and not self._challenge.stale:
                raise RefusedError("it refuses the credentials")
            if before is known and before is not None:
                # An answer that was good before: its nonce has aged, whether the camera says so or not.
                known = None
        if answer.status == _OK:
            return answer
        if 300 <= answer.status < 400:  # noqa: PLR2004 - the class of redirections
            raise RefusedError("it sends elsewhere, which is not followed")
        raise RefusedError(_REASONS.get(answer.status, f"it answers with {answer.status}"))

    def keep_alive_by(self, method: str, url: str) -> None:
        """Say later by `method` that we are still there."""
        self._alive = (method, url)

    def say_alive(self) -> None:
        """Say that we are still there; the answer is read with what follows. Raises OSError."""
        method, url = self._alive
        self._alive_number = self._send(method, url, {})

    def farewell(self, url: str) -> None:
        """End the session and hang up; never raises."""
        try:
            if self.session is not None:
                self.wire.sinks.clear()
                until_s = self._clock.monotonic() + _FAREWELL_S
                self._ask("TEARDOWN", url, {}, until_s, None)
        except (OSError, EndedError, ValueError):
            pass
        except Exception:  # noqa: BLE001, S110 - whatever the camera says now, nobody is there to hear it
            pass
        self._stream.close()

    def _ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        until_s: float,
        then: Callable[[Message], None] | None,
    ) -> Message:
        self._answer, self._then = None, then
        self._stream.limit(until_s - self._clock.monotonic())
        self._awaits = self._send(method, url, headers)
        while self._answer is None:
            left_s = until_s - self._clock.monotonic()
            if left_s <= 0:
                raise TimeoutError
            self._stream.limit(left_s)
            self.wire.pump()
        answer, self._answer, self._then = self._answer, None, None
        return answer

    def _send(self, method: str, url: str, headers: Mapping[str, str]) -> int:
        self._number += 1
        extra = dict(headers)
        if self.session is not None:
            extra["Session"] = self.session
        if self._challenge is not None and self._login is not None:
            self._uses += 1
            extra["Authorization"] = self._challenge.answer(
                *self._login, method, url, count=self._uses, ours=secrets.token_hex(8)
            )
        self._stream.send(messages.request(method, url, self._number, extra))
        return self._number

    def _hear(self, message: Message) -> None:
        told = message.header("cseq")
        number = int(told) if told.isdecimal() and len(told) < 10 else None  # noqa: PLR2004 - digits
        if self._awaits and number in (self._awaits, None):
            self._awaits = 0
            self._answer = message
            if message.status == _OK and self._then is not None:
                self._then(message)
        elif number == self._alive_number:
            self._hear_alive(message)

    def _hear_alive(self, message: Message) -> None:
        if message.status in _GONE:
            raise EndedError("it ended the session")
        if message.status == _UNAUTHORISED and self._login is not None:
            challenge = self._best(message)
            if self._challenge is not None and challenge.nonce == self._challenge.nonce and challenge.digest:
                raise EndedError("it refuses the credentials")
            if self._challenge is None or challenge.digest:
                self._challenge, self._uses = challenge, 0
                self.say_alive()
        elif message.status != _OK:
            # GET_PARAMETER is announced by some that do not have it.
            self._alive = ("OPTIONS", self._alive[1])

    @staticmethod
    def _best(answer: Message) -> authentication.Challenge:
        challenge = authentication.best(answer.all("www-authenticate"))
        if challenge is None:
            raise RefusedError("it asks for credentials in an unknown way")
        return challenge
