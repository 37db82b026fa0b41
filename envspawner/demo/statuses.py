"""What a pod's status says, in the fields that KubeSpawner and JupyterHub read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

ADDRESS = "127.0.0.1"
NODE = "this-machine"


def now() -> str:
    """As Kubernetes writes times."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class ContainerState:
    """One container, now: `state` and `last` are Kubernetes' ContainerState."""

    name: str
    image: str
    state: dict[str, Any] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)
    restarts: int = 0
    ready: bool = False
    init: bool = False

    def wait_for(self, reason: str, message: str = "") -> None:
        self.ready = False
        waiting = {"reason": reason, **({"message": message} if message else {})}
        self.state = {"waiting": waiting}

    def run(self) -> None:
        self.state = {"running": {"startedAt": now()}}
        self.ready = not self.init

    def end(self, code: int, reason: str | None = None) -> None:
        started = self.state.get("running", {}).get("startedAt", now())
        reason = reason or ("Completed" if code == 0 else "Error")
        self.ready = self.init and code == 0
        self.state = {
            "terminated": {"exitCode": code, "reason": reason, "startedAt": started, "finishedAt": now()}
        }

    @property
    def running(self) -> bool:
        return "running" in self.state

    @property
    def exit_code(self) -> int | None:
        """None while it has not ended."""
        ended = self.state.get("terminated")
        return None if ended is None else int(ended["exitCode"])

    def status(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "image": self.image,
            "imageID": "",
            "ready": self.ready,
            "started": self.running,
            "restartCount": self.restarts,
            "state": self.state,
            "lastState": self.last,
        }


def phase_of(containers: Sequence[ContainerState], restarts: str) -> str:
    """The pod's phase once its init containers are done."""
    codes = [container.exit_code for container in containers]
    if any(code is None for code in codes):
        return "Running" if any(c.running or c.restarts for c in containers) else "Pending"
    if restarts == "Always" or (restarts == "OnFailure" and any(codes)):
        return "Running"
    return "Succeeded" if not any(codes) else "Failed"


def status_of(
    phase: str, started: str, first: Sequence[ContainerState], containers: Sequence[ContainerState]
) -> dict[str, Any]:
    """A pod's status; `first` are its init containers."""
    ready = phase == "Running" and all(container.ready for container in containers)
    initialized = all(container.exit_code == 0 for container in first)
    conditions: Mapping[str, bool] = {
        "Initialized": initialized,
        "Ready": ready,
        "ContainersReady": ready,
        "PodScheduled": True,
    }
    made: dict[str, Any] = {
        "phase": phase,
        "conditions": [{"type": kind, "status": str(met)} for kind, met in conditions.items()],
        "hostIP": ADDRESS,
        "podIP": ADDRESS,
        "podIPs": [{"ip": ADDRESS}],
        "startTime": started,
        "containerStatuses": [container.status() for container in containers],
        "qosClass": "Burstable",
    }
    if first:
        made["initContainerStatuses"] = [container.status() for container in first]
    return made
