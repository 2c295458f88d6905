"""Lifecycle rules in the `minio` SDK's words."""

from collections.abc import Sequence

from minio.commonconfig import ENABLED, Filter
from minio.lifecycleconfig import Expiration, LifecycleConfig, NoncurrentVersionExpiration, Rule

from homeward.shared.objectstore.port import LifecycleRule


def to_config(rules: Sequence[LifecycleRule], *, versioned: bool) -> LifecycleConfig:
    """Return the configuration that says `rules`; in a `versioned` bucket what has expired goes a day later."""
    return LifecycleConfig(
        [
            Rule(
                ENABLED,
                rule_filter=Filter(prefix=rule.prefix),
                rule_id=rule.rule_id,
                expiration=Expiration(days=rule.days),
                # Expiry alone would only hide the object behind a delete marker.
                noncurrent_version_expiration=NoncurrentVersionExpiration(noncurrent_days=1) if versioned else None,
            )
            for rule in rules
        ]
    )


def from_config(config: LifecycleConfig | None) -> Sequence[LifecycleRule]:
    """Return those rules that expire what is under a prefix after some days; others have no word in the port."""
    found: list[LifecycleRule] = []
    for rule in config.rules if config else ():
        days = rule.expiration.days if rule.expiration else None
        if (
            rule.status != ENABLED
            or not days
            or (rule.rule_filter and (rule.rule_filter.tag or rule.rule_filter.and_operator))
        ):
            continue
        found.append(
            LifecycleRule(rule.rule_id or "", (rule.rule_filter.prefix if rule.rule_filter else "") or "", days)
        )
    return tuple(found)
