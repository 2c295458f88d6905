"""The searches that run, by way of matching's gRPC service."""

from datetime import timedelta

import grpc

from homeward.shared.telemetry.logging import get_logger
from homewardapi.matching.v1.matching_service_pb2 import WipeSubjectRequest, WipeSubjectResponse
from homewardapi.matching.v1.matching_service_pb2_grpc import MatchingServiceStub

_log = get_logger()
