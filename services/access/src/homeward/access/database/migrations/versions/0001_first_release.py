"""The tables of access as first released."""

from typing import Final

import sqlalchemy as sa
from alembic import op

from homeward.access.audit.tables import APPEND_ONLY
from homeward.access.database.base import Instant

revision: Final = "0001"
down_revision: Final = None
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    """Apply it."""
    _audit()
    _cases()
    _footage()
    _keys()
    _outbox()
    _people()
    _review()


def _audit() -> None:
    op.create_table(
        "audit_cases",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("photos_gone_at", Instant(), nullable=True),
        sa.Column("templates_gone_at", Instant(), nullable=True),
        sa.Column("month", sa.String(length=7), nullable=True),
        sa.Column("gone_after_s", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_audit_cases")),
    )
    op.create_index("ix_audit_cases_gone", "audit_cases", ["purpose", "gone_after_s"], unique=False)
    op.create_index("ix_audit_cases_month", "audit_cases", ["purpose", "month", "gone_after_s"], unique=False)
    op.create_table(
        "audit_checkpoints",
        sa.Column("size", _number(), autoincrement=False, nullable=False),
        sa.Column("signed_at", Instant(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_audit_checkpoints")),
    )
    op.create_table(
        "audit_lines",
        sa.Column("number", _number(), autoincrement=False, nullable=False),
        sa.Column("record_id", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("action", sa.SmallInteger(), nullable=False),
        sa.Column("outcome", sa.SmallInteger(), nullable=False),
        sa.Column("refused_at", Instant(), nullable=True),
        sa.Column("actor_id", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_lines")),
        sa.UniqueConstraint("record_id", name=op.f("uq_audit_lines_record_id")),
    )
    op.create_index("ix_audit_lines_action", "audit_lines", ["action", "recorded_at", "number"], unique=False)
    op.create_index("ix_audit_lines_actor", "audit_lines", ["actor_id", "recorded_at", "number"], unique=False)
    op.create_index(
        "ix_audit_lines_actor_action", "audit_lines", ["actor_id", "action", "recorded_at", "number"], unique=False
    )
    op.create_index(
        "ix_audit_lines_denied",
        "audit_lines",
        ["refused_at", "number"],
        unique=False,
        sqlite_where=sa.text("refused_at IS NOT NULL"),
        postgresql_where=sa.text("refused_at IS NOT NULL"),
    )
    op.create_index(
        "ix_audit_lines_denied_action",
        "audit_lines",
        ["action", "refused_at", "number"],
        unique=False,
        sqlite_where=sa.text("refused_at IS NOT NULL"),
        postgresql_where=sa.text("refused_at IS NOT NULL"),
    )
    op.create_index(
        "ix_audit_lines_denied_actor",
        "audit_lines",
        ["actor_id", "refused_at", "number"],
        unique=False,
        sqlite_where=sa.text("refused_at IS NOT NULL"),
        postgresql_where=sa.text("refused_at IS NOT NULL"),
    )
    op.create_index("ix_audit_lines_request", "audit_lines", ["request_id", "recorded_at", "number"], unique=False)
    op.create_index("ix_audit_lines_time", "audit_lines", ["recorded_at", "number"], unique=False)
    op.create_table(
        "audit_nodes",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("place", _number(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("level", "place", name=op.f("pk_audit_nodes")),
    )
    op.create_table(
        "audit_sums",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("figure", sa.String(length=32), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("month", "purpose", "figure", name=op.f("pk_audit_sums")),
    )
    op.create_table(
        "audit_tree",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("size", _number(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.Column("last", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_audit_tree")),
    )
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("receipt_issued_at", Instant(), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("requester_id", sa.String(length=64), nullable=False),
        sa.Column("requester_rank", sa.String(length=20), nullable=False),
        sa.Column("needed_rank", sa.String(length=20), nullable=False),
        sa.Column("case_reference", sa.String(length=100), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("details", sa.Text(), nullable=True),
        sa.Column("salt", sa.LargeBinary(length=16), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("asked_camera_ids", sa.JSON(), nullable=False),
        sa.Column("asked_starts_at", Instant(), nullable=False),
        sa.Column("asked_ends_at", Instant(), nullable=True),
        sa.Column("asked_lifetime_s", sa.Integer(), nullable=False),
        sa.Column("asked_unredacted", sa.Boolean(), nullable=False),
        sa.Column("camera_ids", sa.JSON(), nullable=False),
        sa.Column("starts_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=True),
        sa.Column("lifetime_s", sa.Integer(), nullable=False),
        sa.Column("unredacted", sa.Boolean(), nullable=False),
        sa.Column("submitted_at", Instant(), nullable=False),
        sa.Column("decide_by", Instant(), nullable=False),
        sa.Column("urgent_deadline", Instant(), nullable=True),
        sa.Column("opened_at", Instant(), nullable=True),
        sa.Column("expires_at", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("texts_until", Instant(), nullable=True),
        sa.Column("due_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_cases")),
        sa.UniqueConstraint("reference", name=op.f("uq_cases_reference")),
    )
    op.create_index(op.f("ix_cases_expires_at"), "cases", ["expires_at"], unique=False)
    op.create_index("ix_cases_requester_id_submitted_at", "cases", ["requester_id", "submitted_at"], unique=False)
    op.create_index("ix_cases_state_submitted_at", "cases", ["state", "submitted_at"], unique=False)
    op.create_index(op.f("ix_cases_submitted_at"), "cases", ["submitted_at"], unique=False)
    op.create_index(op.f("ix_cases_texts_until"), "cases", ["texts_until"], unique=False)
    op.create_table(
        "policies",
        sa.Column("number", _number(), autoincrement=True, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=50), nullable=False),
        sa.Column("in_force_since", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_policies")),
    )
    op.create_table(
        "case_decisions",
        sa.Column("number", _number(), autoincrement=True, nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("official_id", sa.String(length=64), nullable=False),
        sa.Column("official_rank", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["cases.request_id"], name=op.f("fk_case_decisions_request_id_cases")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_case_decisions")),
    )
    op.create_index(op.f("ix_case_decisions_request_id"), "case_decisions", ["request_id"], unique=False)
    op.create_table(
        "case_holds",
        sa.Column("hold_id", sa.String(length=36), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("camera_ids", sa.JSON(), nullable=False),
        sa.Column("starts_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("released_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["cases.request_id"], name=op.f("fk_case_holds_request_id_cases")),
        sa.PrimaryKeyConstraint("hold_id", name=op.f("pk_case_holds")),
        sa.UniqueConstraint("request_id", name=op.f("uq_case_holds_request_id")),
    )
    op.create_index(op.f("ix_case_holds_released_at"), "case_holds", ["released_at"], unique=False)
    op.create_table(
        "case_photos",
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("taken_on", sa.Date(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["cases.request_id"], name=op.f("fk_case_photos_request_id_cases")),
        sa.PrimaryKeyConstraint("request_id", "position", name=op.f("pk_case_photos")),
    )


def _footage() -> None:
    op.create_table(
        "camera_runs",
        sa.Column("run_id", _number(), autoincrement=True, nullable=False),
        sa.Column("camera_id", sa.String(length=63), nullable=False),
        sa.Column("starts_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("cause", sa.Integer(), nullable=True),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_camera_runs")),
    )
    op.create_index("ix_camera_runs_camera_id_ends_at", "camera_runs", ["camera_id", "ends_at"], unique=False)
    op.create_table(
        "grants",
        sa.Column("grant_id", sa.String(length=36), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("official_id", sa.String(length=64), nullable=False),
        sa.Column("camera_id", sa.String(length=63), nullable=False),
        sa.Column("starts_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("until", Instant(), nullable=False),
        sa.Column("unredacted", sa.Boolean(), nullable=False),
        sa.Column("given_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("grant_id", name=op.f("pk_grants")),
    )
    op.create_index("ix_grants_official_id_until", "grants", ["official_id", "until"], unique=False)
    op.create_index(op.f("ix_grants_request_id"), "grants", ["request_id"], unique=False)


def _keys() -> None:
    op.create_table(
        "signing_keys",
        sa.Column("key_id", sa.String(length=43), nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("signs_from", Instant(), nullable=False),
        sa.Column("stopped_at", Instant(), nullable=True),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_signing_keys")),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("number", _number(), autoincrement=True, nullable=False),
        sa.Column("topic", sa.String(length=100), nullable=False),
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("occurred_at", Instant(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_outbox")),
    )


def _people() -> None:
    op.create_table(
        "officials",
        sa.Column("official_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("last_signed_in_at", Instant(), nullable=False),
        sa.Column("signed_out_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("official_id", name=op.f("pk_officials")),
    )
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.String(length=36), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("official_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("groups", sa.Text(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("last_seen_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sessions_token_hash")),
    )
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_index(op.f("ix_sessions_last_seen_at"), "sessions", ["last_seen_at"], unique=False)
    op.create_index(op.f("ix_sessions_official_id"), "sessions", ["official_id"], unique=False)
    op.create_table(
        "sign_in_answers",
        sa.Column("state_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_sign_in_answers")),
    )
    op.create_index(op.f("ix_sign_in_answers_expires_at"), "sign_in_answers", ["expires_at"], unique=False)


def _review() -> None:
    op.create_table(
        "search_parts",
        sa.Column("task_id", sa.String(length=36), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_search_parts")),
    )
    op.create_index(op.f("ix_search_parts_request_id"), "search_parts", ["request_id"], unique=False)
    op.create_table(
        "search_tallies",
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("feed", sa.Integer(), nullable=False),
        sa.Column("refusal", sa.String(length=40), nullable=True),
        sa.Column("refused_photo", sa.Integer(), nullable=True),
        sa.Column("planned_at", Instant(), nullable=True),
        sa.Column("tasks_planned", sa.Integer(), nullable=False),
        sa.Column("planned_camera_s", sa.Float(), nullable=False),
        sa.Column("tasks_continued", sa.Integer(), nullable=False),
        sa.Column("tasks_done", sa.Integer(), nullable=False),
        sa.Column("faces_compared", sa.BigInteger(), nullable=False),
        sa.Column("faces_too_poor", sa.BigInteger(), nullable=False),
        sa.Column("faces_unreadable", sa.BigInteger(), nullable=False),
        sa.Column("clips_unreadable", sa.BigInteger(), nullable=False),
        sa.Column("candidates", sa.BigInteger(), nullable=False),
        sa.Column("camera_s", sa.Float(), nullable=False),
        sa.Column("expected_false", sa.Float(), nullable=False),
        sa.Column("told_at", Instant(), nullable=True),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_search_tallies")),
    )
    op.create_table(
        "sightings",
        sa.Column("sighting_id", sa.String(length=36), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("camera_id", sa.String(length=63), nullable=False),
        sa.Column("clip_id", sa.String(length=36), nullable=False),
        sa.Column("clip_starts_at", Instant(), nullable=False),
        sa.Column("first_seen_at", Instant(), nullable=False),
        sa.Column("last_seen_at", Instant(), nullable=False),
        sa.Column("found_at", Instant(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("rank", sa.Float(), nullable=False),
        sa.Column("likelihood_ratio", sa.Float(), nullable=True),
        sa.Column("false_match_rate", sa.Float(), nullable=True),
        sa.Column("crops_key", sa.String(length=200), nullable=True),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.Column("arrived", sa.Integer(), nullable=False),
        sa.Column("decided", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("sighting_id", name=op.f("pk_sightings")),
    )
    op.create_index("ix_sightings_arrived", "sightings", ["request_id", "arrived"], unique=False)
    op.create_index(
        "ix_sightings_best_first", "sightings", ["request_id", "rank", "score", "sighting_id"], unique=False
    )
    op.create_index("ix_sightings_decided", "sightings", ["request_id", "decided"], unique=False)
    op.create_table(
        "sighting_answers",
        sa.Column("sighting_id", sa.String(length=36), nullable=False),
        sa.Column("reviewer_id", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("answer", sa.String(length=8), nullable=False),
        sa.Column("given_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sighting_id"], ["sightings.sighting_id"], name=op.f("fk_sighting_answers_sighting_id_sightings")
        ),
        sa.PrimaryKeyConstraint("sighting_id", "reviewer_id", name=op.f("pk_sighting_answers")),
    )
    op.create_index("ix_sighting_answers_of_reviewer", "sighting_answers", ["request_id", "reviewer_id"], unique=False)
    op.create_table(
        "sighting_pictures",
        sa.Column("sighting_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("offset_bytes", sa.BigInteger(), nullable=False),
        sa.Column("length_bytes", sa.Integer(), nullable=False),
        sa.Column("taken_at", Instant(), nullable=False),
        sa.Column("quality", sa.Float(), nullable=False),
        sa.Column("face_width_px", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sighting_id"], ["sightings.sighting_id"], name=op.f("fk_sighting_pictures_sighting_id_sightings")
        ),
        sa.PrimaryKeyConstraint("sighting_id", "number", name=op.f("pk_sighting_pictures")),
    )


def _number() -> sa.types.TypeEngine[int]:
    """Return the type of a number that may pass 32 bits; SQLite's own counts as far by itself."""
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")
