"""What may be wrong with what somebody asked: one family of errors, mapped to HTTP once, in `web/problems.py`.

A reason is a sentence for whoever asked; it says what to do and names no person.
"""

from homeward.access.sentence import Sentence


class AccessError(Exception):
    """Something that was asked is not done. `code` is for programs and audit records, `reason` for people."""

    def __init__(self, code: str, reason: str | Sentence) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason if isinstance(reason, Sentence) else Sentence(reason)


class NotSignedInError(AccessError):
    """Nobody is signed in, or no longer."""


class ForbiddenError(AccessError):
    """Who asks may not: the role, the rank or the case does not open it."""


class NotFoundError(AccessError):
    """There is no such thing, or none that who asks may know of: the two are not told apart."""


class InvalidError(AccessError):
    """What was asked is malformed or against the policy. `field` is the part at fault, None for the whole."""

    def __init__(self, code: str, reason: str | Sentence, field: str | None = None) -> None:
        super().__init__(code, reason)
        self.field = field


class ConflictError(AccessError):
    """The state of things does not allow it: somebody was faster, or it has ended."""


class AlreadySentError(ConflictError):
    """The same was sent before; `request_id` is what it made."""

    def __init__(self, request_id: str) -> None:
        values = {"request_id": request_id}
        super().__init__(
            "sent", Sentence("this was sent before, and is request {request_id}; nothing was sent twice", values)
        )
        self.request_id = request_id


class TooManyError(AccessError):
    """Too often or too much at once; `retry_after_s` says when it may be tried again, in seconds."""

    def __init__(self, code: str, reason: str | Sentence, retry_after_s: int) -> None:
        super().__init__(code, reason)
        self.retry_after_s = retry_after_s
