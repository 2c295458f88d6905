"""The subjects' templates by way of matching's gRPC service."""

from datetime import timedelta

import grpc

from homeward.retention.ports import TemplatesUnavailableError, Wiped
from homewardapi.matching.v1.matching_service_pb2 import WipeSubjectRequest, WipeSubjectResponse
from homewardapi.matching.v1.matching_service_pb2_grpc import MatchingServiceStub


class MatchingTemplates:
    """The port `Templates` on a channel to matching. Nothing is sent until the first call."""

    def __init__(self, channel: grpc.Channel, timeout: timedelta) -> None:
        self._channel = channel
        self._stub = MatchingServiceStub(channel)
        self._timeout_s = timeout.total_seconds()

    def wipe(self, authorisation_id: str) -> Wiped:
        """Delete one authorisation's templates; raise TemplatesUnavailableError when matching does not say so."""
        try:
            answer: WipeSubjectResponse = self._stub.WipeSubject(
                WipeSubjectRequest(authorisation_id=authorisation_id), timeout=self._timeout_s
            )
        except grpc.RpcError as error:
            # Whatever went wrong, the templates are not proven gone, and asking again is safe.
            raise TemplatesUnavailableError(f"matching did not wipe {authorisation_id}: {_code(error)}") from error
        return Wiped(answer.templates_deleted, answer.templates_remaining)

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()


def _code(error: grpc.RpcError) -> str:
    # The library's errors carry a code without saying so in the class.
    code = getattr(error, "code", None)
    return str(code().name) if callable(code) else "no status"
