"""MatchingService over gRPC."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NoReturn

import grpc

from homeward.matching.ports import NotWipedError, StoreAwayError
from homeward.matching.searches import Searches
from homeward.shared.instants import to_timestamp
from homeward.shared.telemetry.logging import get_logger
from homewardapi.matching.v1 import matching_service_pb2 as pb
from homewardapi.matching.v1.matching_service_pb2_grpc import (
    MatchingServiceServicer,
    add_MatchingServiceServicer_to_server,
)

SERVICE_NAME: Final = pb.DESCRIPTOR.services_by_name["MatchingService"].full_name
CALLERS: Final[Mapping[str, Sequence[str]]] = MappingProxyType(
    {
        f"/{SERVICE_NAME}/GetSearch": ("access", "cli"),
        f"/{SERVICE_NAME}/CountTemplates": ("access", "cli"),
        f"/{SERVICE_NAME}/WipeSubject": ("access", "retention"),
    }
)
"""Which services each method answers."""

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_log = get_logger()


class MatchingServicer(MatchingServiceServicer):
    """Answers for this replica and the store that all replicas share."""

    def __init__(self, searches: Searches) -> None:
        self._searches = searches

    def register(self, server: grpc.Server) -> None:
        """Add the service to `server`."""
        add_MatchingServiceServicer_to_server(self, server)

    def GetSearch(  # noqa: N802 - the contract's name
        self, request: pb.GetSearchRequest, context: grpc.ServicerContext
    ) -> pb.GetSearchResponse:
        """Tell how one search stands."""
        authorisation_id = _checked(request.authorisation_id, context)
        try:
            standing = self._searches.standing(authorisation_id)
        except StoreAwayError as error:
            _abort(context, grpc.StatusCode.UNAVAILABLE, error)
        if standing is None:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such search is live here")
        if standing.subject is None:
            return pb.GetSearchResponse(state=pb.SEARCH_STATE_REFUSED)
        return pb.GetSearchResponse(
            state=pb.SEARCH_STATE_LIVE,
            expires_at=to_timestamp(standing.subject.expires_at),
            embedder=standing.subject.model.to_message(),
        )

    def CountTemplates(  # noqa: N802 - the contract's name
        self, request: pb.CountTemplatesRequest, context: grpc.ServicerContext
    ) -> pb.CountTemplatesResponse:
        """Count the templates at rest."""
        del request
        try:
            count = self._searches.count()
        except StoreAwayError as error:
            _abort(context, grpc.StatusCode.UNAVAILABLE, error)
        return pb.CountTemplatesResponse(templates=count.templates, subjects=count.subjects)

    def WipeSubject(  # noqa: N802 - the contract's name
        self, request: pb.WipeSubjectRequest, context: grpc.ServicerContext
    ) -> pb.WipeSubjectResponse:
        """Delete an authorisation's templates and stop its search."""
        authorisation_id = _checked(request.authorisation_id, context)
        try:
            wiped = self._searches.wipe(authorisation_id)
        except StoreAwayError as error:
            _abort(context, grpc.StatusCode.UNAVAILABLE, error)
        except NotWipedError as error:
            _abort(context, grpc.StatusCode.INTERNAL, error)
        return pb.WipeSubjectResponse(templates_deleted=wiped.deleted, templates_remaining=wiped.remaining)


def _checked(authorisation_id: str, context: grpc.ServicerContext) -> str:
    if _UUID.fullmatch(authorisation_id) is None:
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "authorisation_id is not a UUID in lower case")
    return authorisation_id


def _abort(context: grpc.ServicerContext, code: grpc.StatusCode, error: Exception) -> NoReturn:
    _log.warning("call failed", code=code.name, error=error)
    context.abort(code, str(error))
    raise AssertionError("abort does not return")
