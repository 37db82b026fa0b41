"""Kubernetes objects of a hub's configuration, made cheap to copy.

Each object of the Kubernetes client (`V1Container`, …) carries the client's configuration, and a copy of the object
copies that as well. traitlets copies what `c.KubeSpawner` holds for each spawner, KubeSpawner again for each pod: one
container such as the chart's `block-cloud-metadata` costs a start more than the rest of its pod, and each time the
caches of all loggers are emptied.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from kubernetes_asyncio.client import Configuration
from traitlets.config.loader import LazyConfigValue


class _Shared(Configuration):  # type: ignore[misc]
    """The client's configuration where nobody changed it: all copies of an object may have the same one."""

    def __deepcopy__(self, memo: dict[int, Any]) -> _Shared:
        return self


_SHARED: Final = _Shared()
_PLAIN: Final = frozenset({str, int, float, bool, type(None)})


def share_configuration(values: Iterable[Any], seen: set[int] | None = None) -> None:
    """Gives all Kubernetes objects in values one client's configuration, but for those that validate otherwise.

    Of the configuration, an object reads `client_side_validation` only. seen: what was looked at already.
    """
    seen = set() if seen is None else seen
    for value in values:
        if type(value) in _PLAIN or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, dict):
            share_configuration(value.values(), seen)
        elif isinstance(value, list | tuple):
            share_configuration(value, seen)
        elif isinstance(value, LazyConfigValue):
            lazy: Any = value
            share_configuration((lazy._extend, lazy._prepend, lazy._inserts, lazy._update), seen)
        elif hasattr(value, "openapi_types"):
            carried: Any = getattr(value, "local_vars_configuration", None)
            if type(carried) is Configuration and carried.client_side_validation:
                value.local_vars_configuration = _SHARED
            share_configuration((getattr(value, name) for name in value.attribute_map), seen)
