"""Which policy has been in force since when."""

from sqlalchemy import select

from homeward.access.cases.ground import Ground
from homeward.access.cases.tables import PolicyRow
from homeward.access.outbox.outbox import SOURCE
from homeward.shared.audit import Entry
from homewardapi.audit.v1 import audit_pb2


def enter_into_force(ground: Ground) -> bool:
    """Record the policy of `ground` where it is another than the last one; return whether it is.

    Called before anything is decided by it. Raises DatabaseAwayError and AuditUnavailableError.
    """
    policy = ground.policy
    with ground.database.begin() as session:
        last = session.scalars(select(PolicyRow).order_by(PolicyRow.number.desc()).limit(1)).one_or_none()
        if last is not None and last.digest == policy.digest:
            return False
        session.add(PolicyRow(digest=policy.digest, version=policy.version, in_force_since=ground.clock.now()))
        session.flush()
        ground.audit.record(
            Entry(audit_pb2.AUDIT_ACTION_POLICY_CHANGED, SOURCE, code=policy.version, digest=policy.digest)
        )
    return True
