"""The settings of detection; nothing else reads its environment."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from homeward.shared.settings import ObjectStoreSettings, ServiceSettings


class DetectionSettings(ServiceSettings):
    """What detection needs to know."""

    object_store: ObjectStoreSettings
    models_folder: Path = Field(description="Folder of the models, as `homeward models fetch` fills it.")
    finder: Literal["auto", "yunet", "centerface", "blazeface"] = Field(
        default="auto",
        description="Face detector; auto is yunet, the cheapest, where its model was fetched, and else centerface.",
    )
    finder_least_score: float = Field(
        default=0.5, ge=0.1, le=0.99, description="Confidence, 0 to 1, below which nothing counts as a face."
    )
    least_face_px: int = Field(
        default=24,
        ge=12,
        le=512,
        description="Width in pixels from which on faces are surely looked for; half of it quadruples the work.",
    )
    samples_per_second: float = Field(
        default=4, ge=0.5, le=30, description="Frames a second in which faces are looked for."
    )
    dense_key_frames_s: float = Field(
        default=2.0,
        ge=0,
        le=10,
        description="Seconds between key frames up to which nothing but key frames is decoded.",
    )
    motion_threshold: float = Field(
        default=8,
        ge=1,
        le=128,
        description="Grey levels of 255 by which a part of the picture must change to be searched.",
    )
    motion_memory_s: float = Field(
        default=60, ge=1, le=3600, description="Seconds in which the background takes over most of a change."
    )
    longest_track_gap_s: float = Field(
        default=0.8, ge=0.1, le=10, description="Seconds that a face may go unseen and still be followed."
    )
    crops_per_face: int = Field(default=3, ge=1, le=10, description="Most pictures kept of one face of a clip.")
    least_quality: float = Field(
        default=0.12,
        ge=0,
        le=1,
        description="Quality, 0 to 1, below which a face is counted but no picture of it kept.",
    )
    ample_face_px: float = Field(
        default=32,
        ge=12,
        le=4096,
        description="Width in pixels from which on a face that no key frame shows well enough is looked for in the "
        "frames between; 4096 spares them.",
    )
    most_frame_pixels: int = Field(
        default=4096 * 2304,
        ge=64 * 64,
        le=16384 * 16384,
        description="Width times height of the largest picture that is decoded.",
    )
