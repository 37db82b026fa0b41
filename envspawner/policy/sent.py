"""What the API server would refuse in a claim or a pod that is about to be sent.

`check` looks at each rule of a policy. What placeholders become, and what rules of several layers make together, is
only known at a start: this looks at the result, so that such a start is refused with a reason instead of sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from . import names
from .kubernetes import convert
from .problems import Fault

_SPECS: Final = {"Pod": "PodSpec", "PersistentVolumeClaim": "PersistentVolumeClaimSpec"}
_MOST_ANNOTATIONS: Final = 256 * 1024
"""Bytes of all keys and values together (apimachinery: TotalAnnotationSizeLimitB)."""


def refused_parts(manifest: Mapping[str, Any]) -> list[Fault]:
    """Each thing that the API server would refuse in a pod or a claim, as plain data without nulls.

    Keys that the package's table does not know are passed over: the cluster may be newer.
    """
    faults: list[Fault] = []
    convert(manifest["spec"], _SPECS[manifest["kind"]], faults, ("spec",))
    found = [fault for fault in faults if not fault.message.startswith("unknown key")]
    return [*_metadata(manifest["metadata"]), *found]


def _metadata(metadata: Mapping[str, Any]) -> Iterator[Fault]:
    yield from _wrong(names.check_subdomain, metadata["name"], "name")
    for key, value in (metadata.get("labels") or {}).items():
        yield from _wrong(names.check_label_key, key, "labels", key)
        yield from _wrong(names.check_label_value, value, "labels", key)
    annotations = metadata.get("annotations") or {}
    for key in annotations:
        yield from _wrong(names.check_annotation_key, key, "annotations", key)
    if sum(len(text.encode()) for pair in annotations.items() for text in pair) > _MOST_ANNOTATIONS:
        yield Fault("all annotations together have more than 256 KiB", None, ("metadata", "annotations"))


def _wrong(check: Callable[[str], Any], text: str, *loc: str) -> Iterator[Fault]:
    try:
        check(text)
    except Fault as fault:
        yield Fault(fault.message, fault.hint, ("metadata", *loc))
