"""What no server could ever have, though each value of a block alone is fine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, Final

from . import quantities
from .environment import INIT_CONTAINER, Environment
from .kinds import Entries
from .kubernetes_pods import NOTEBOOK, pod
from .kubernetes_rules import container, security
from .problems import Step
from .sections import Rule

_SECURITY: Final = "container_security_context"
Found = tuple[tuple[Step, ...], str, str | None]
"""Where in the block, what is wrong, and what to do."""


def contradictions_in(block: Environment) -> Iterator[Found]:
    """What is wrong between the values of one block."""
    for word in ("memory", "cpu"):
        yield from _guarantee_and_limit(word, getattr(block, word))
    if block.extra_resource is not None:
        yield from _extended(block.extra_resource.guarantees or {}, block.extra_resource.limits or {})
    yield from _copies(block)
    yield from _pod(block)
    yield from _notebook(block)
    if isinstance(block, Rule):
        yield from _bounds(block.at_least or {}, block.at_most or {})


def _guarantee_and_limit(word: str, part: Any) -> Iterator[Found]:
    if part is None or part.guarantee is None:
        return
    at = (word, "guarantee")
    if isinstance(part.guarantee, Fraction):
        if part.limit is None and "limit" in part.model_fields_set:
            yield at, "a share of no limit", f"set {word}.limit, or write an amount"
    elif part.limit is not None and part.guarantee > part.limit:
        yield at, "the guarantee is above the limit", "lower it, or raise the limit"


def _extended(guarantees: dict[str, Any], limits: dict[str, Any]) -> Iterator[Found]:
    for name, amount in guarantees.items():
        limit = limits.get(name)
        at = ("extraResource", "guarantees", name)
        if amount is None or limit is None:
            continue
        if "/" in name and amount != limit:
            yield at, "differs from the limit", "Kubernetes wants them equal; the limit alone is enough"
        elif quantities.amount_number(amount) > quantities.amount_number(limit):
            yield at, "the guarantee is above the limit", "lower it, or raise the limit"


def _copies(block: Environment) -> Iterator[Found]:
    seen: set[tuple[str | None, str]] = set()
    none = block.storage is not None and block.storage.type == "none"
    in_hook = False
    for index, entry in enumerate(block.copy_once or ()):
        in_hook = in_hook or none or entry.when != INIT_CONTAINER
        key = (entry.to, entry.marker or ".copied")
        if key in seen:
            hint = "give each entry a marker of its own, so that each is done once"
            yield ("copyOnce", index), "another entry has this marker too", hint
        seen.add(key)
    hook = block.lifecycle_hooks.post_start if block.lifecycle_hooks else None
    if in_hook and hook is not None and "exec" not in hook:
        hint = "make it an exec hook" + ("" if none else ", or write when: initContainer in copyOnce")
        yield ("lifecycleHooks", "postStart"), "cannot be joined with copyOnce", hint


def _pod(block: Environment) -> Iterator[Found]:
    """What the containers of one rule and the pod around them ask of each other."""
    if not block.extra_containers and not block.init_containers:
        return
    found: dict[str, Any] = {"containers": [], **_given(block.extra_pod_config)}
    labels: list[tuple[Step, ...]] = []
    for word, section, entries in (
        ("extraContainers", "containers", block.extra_containers),
        ("initContainers", "initContainers", block.init_containers),
    ):
        items = _items(entries, "name")
        found[section] = [item for _, item in items]
        labels += [(word, label) for label, _ in items]
        for label, item in items:
            if item["name"] == NOTEBOOK:
                message = f"{NOTEBOOK} is the name of the server's own container"
                yield (word, label), message, "choose another name"
    for fault in pod(found):  # of containers only: the pod's own fields were checked where they were read
        first, index, *rest = fault.loc
        before = len(found["containers"]) if first == "initContainers" else 0
        assert isinstance(index, int)
        yield (*labels[before + index], *rest), fault.message, fault.hint


def _notebook(block: Environment) -> Iterator[Found]:
    """What the server's own container would be, as far as one rule says it.

    KubeSpawner forbids privilege escalation unless it is told otherwise, so who asks for privileges has to say so.
    """
    override = _given(block.kubespawner_override)
    mounts = _items(block.storage.extra_volume_mounts if block.storage else None, "mountPath")
    if not override and not mounts:
        return
    config, context = _given(block.extra_container_config), dict(override.get(_SECURITY) or {})
    if override.get("privileged"):
        context.setdefault("privileged", True)
    if "allow_privilege_escalation" not in block.model_fields_set:
        context.setdefault("allowPrivilegeEscalation", False)
    elif block.allow_privilege_escalation is not None:
        context.setdefault("allowPrivilegeEscalation", block.allow_privilege_escalation)
    if config.get("securityContext") is None:
        for fault in security(context):
            word = "privileged" if override.get("privileged") else _SECURITY
            yield ("kubespawnerOverride", word), fault.message, fault.hint
    else:
        context = config["securityContext"]
    made = {"volumeMounts": [mount for _, mount in mounts], "securityContext": context}
    for fault in container(made):
        _, index, *rest = fault.loc
        assert isinstance(index, int)
        yield ("storage", "extraVolumeMounts", mounts[index][0], *rest), fault.message, fault.hint


def _items(entries: Entries | None, identity: str) -> list[tuple[Step, dict[str, Any]]]:
    """(label or index, object) of what a list or a mapping of objects adds; the first of each identity."""
    found: dict[str, tuple[Step, dict[str, Any]]] = {}
    for index, (label, item) in enumerate(entries or ()):
        if item is not None:
            found.setdefault(item[identity], (index if label is None else label, item))
    return list(found.values())


def _given(value: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: item for key, item in (value or {}).items() if item is not None}


def _bounds(least: dict[str, Any], most: dict[str, Any]) -> Iterator[Found]:
    for name, amount in least.items():
        bound = most.get(name)
        if amount is not None and bound is not None and number(amount) > number(bound):
            yield ("atLeast", name), "above atMost of the same rule", "lower it, or raise atMost"


def number(amount: float | str) -> float:
    """Bytes, cores or a count, to be compared."""
    return quantities.capacity_bytes(amount) if isinstance(amount, str) else amount
