"""What EnvSpawner adds to the hub's `/hub/metrics`; no label holds what a user sent."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram, Info

REFUSALS: Final = Counter("envspawner_refusals", "Starts that were refused, by reason", ["reason"])
RESOLVE_SECONDS: Final = Histogram(
    "envspawner_resolve_seconds",
    "How long it took to decide what a start gets",
    buckets=(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0),
)
RELOADS: Final = Counter("envspawner_policy_reloads", "Changes of the policy file, by result", ["result"])
LAST_RELOAD: Final = Gauge(
    "envspawner_policy_last_reload_successful", "Whether the policy file is in force as it is now"
)
LAST_SUCCESS: Final = Gauge(
    "envspawner_policy_last_reload_success_timestamp_seconds", "When the policy in force was read"
)
_POLICY: Final = Info("envspawner_policy", "The policy in force")
SUCCESS: Final = "success"
FAILURE: Final = "failure"
for _result in (SUCCESS, FAILURE):  # so that both are there before the first change
    RELOADS.labels(_result)


def in_force(digest: str) -> None:
    """A policy was read and is used from now on."""
    _POLICY.info({"digest": digest})  # replaces the one before: there is one series, whatever changes
    LAST_RELOAD.set(1)
    LAST_SUCCESS.set_to_current_time()


def reloaded(digest: str) -> None:
    """The policy file changed and is in force."""
    RELOADS.labels(SUCCESS).inc()
    in_force(digest)


def not_reloaded() -> None:
    """The policy file changed and cannot be used."""
    RELOADS.labels(FAILURE).inc()
    LAST_RELOAD.set(0)
