"""The searches that run, by way of matching's gRPC service."""

from datetime import timedelta

import grpc

from homeward.shared.telemetry.logging import get_logger
from homewardapi.matching.v1.matching_service_pb2 import WipeSubjectRequest, WipeSubjectResponse
from homewardapi.matching.v1.matching_service_pb2_grpc import MatchingServiceStub

_log = get_logger()


class MatchingSearches:
    """The port `Searches` on a channel to matching. Nothing is sent until the first call."""

    def __init__(self, channel: grpc.Channel, timeout: timedelta = timedelta(seconds=2)) -> None:
        self._channel = channel
        self._stub = MatchingServiceStub(channel)
        self._timeout_s = timeout.total_seconds()

    def stop(self, authorisation_id: str) -> bool:
        """Stop a search and wipe its templates; return whether matching says that none is left."""
        try:
            answer: WipeSubjectResponse = self._stub.WipeSubject(
                WipeSubjectRequest(authorisation_id=authorisation_id), timeout=self._timeout_s
            )
        except grpc.RpcError as error:
            # The event of the end stops it too, and retention asks until the templates are proven gone.
            _log.warning("search is left to the event of its end", authorisation_id=authorisation_id, error=error)
            return False
        return answer.templates_remaining == 0

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()
