"""One clip's video read and searched: its key frames first, and more of it where a face needs more."""

from dataclasses import dataclass, replace
from typing import BinaryIO

from homeward.detection.ports import ClipReader, FaceFinder
from homeward.detection.sampling import SamplingPlan
from homeward.detection.search import SearchedClip, SearchRules, closer_looks, search_clip


@dataclass(frozen=True, slots=True)
class ReadClip:
    """What was found in a video, how many packets it held and how many were damaged, and whether it was read twice."""

    searched: SearchedClip
    packets: int
    damaged: int
    looked_closer: bool = False


def search_video(
    video: BinaryIO, reader: ClipReader, plan: SamplingPlan, finder: FaceFinder, rules: SearchRules
) -> ReadClip:
    """Return what is found in `video`, which must be seekable; blocks while it is decoded and searched.

    Where key frames alone are decoded and show a face poorly that would be good enough from the front, the frames about
    its best look are decoded and searched as well. Raises UnreadableClipError.
    """
    first = _read(video, reader, plan, finder, rules)
    windows = closer_looks(first.searched.faces, rules.ample_px) if plan.key_frames_only else []
    if not windows:
        return first
    return replace(_read(video, reader, plan.looking_closer(windows), finder, rules), looked_closer=True)


def _read(video: BinaryIO, reader: ClipReader, plan: SamplingPlan, finder: FaceFinder, rules: SearchRules) -> ReadClip:
    video.seek(0)
    with reader.open(video, plan) as opened:
        longest_gap_s = max(rules.longest_gap_s, plan.longest_gap_s)
        searched = search_clip(opened.frames(), finder, replace(rules, longest_gap_s=longest_gap_s))
        still = searched.frames_still + opened.calm
        return ReadClip(replace(searched, frames_still=still), opened.packets, opened.damaged)
