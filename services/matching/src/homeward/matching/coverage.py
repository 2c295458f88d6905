"""Which clips an authorisation opens."""

from homeward.shared.authorisation import ReadCrops, VerifiedAuthorisation
from homeward.shared.instants import from_timestamp
from homeward.shared.objectkeys import crops_key
from homewardapi.face.v1.face_pb2 import ClipFaces


def key_of(clip: ClipFaces) -> str:
    """Return the key under which the clip's crops must stand."""
    return crops_key(clip.camera_id, from_timestamp(clip.starts_at), clip.clip_id)


def covers(authorisation: VerifiedAuthorisation, clip: ClipFaces) -> bool:
    """Return whether `authorisation` opens the clip's crops now: by camera, by window and by the clock.

    The token's own caveats judge it, as they do in the embedder: here and there can then never differ.
    """
    return bool(authorisation.decide(ReadCrops(key_of(clip))))
