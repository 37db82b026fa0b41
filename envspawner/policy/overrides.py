"""Every configurable trait of KubeSpawner: its policy key, or what `kubespawnerOverride` takes, or why not.

A test compares this table with KubeSpawner's own traits. Admitted is what describes one server; nothing that
changes the hub, its access to the API server, names, labels that reflectors select by, token scopes or hooks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from . import kinds, names, values
from .problems import Fault, suggest

KEYS: Final[Mapping[str, str]] = {
    "allow_privilege_escalation": "allowPrivilegeEscalation",
    "cmd": "cmd",
    "cpu_guarantee": "cpu.guarantee",
    "cpu_limit": "cpu.limit",
    "default_url": "defaultUrl",
    "environment": "extraEnv",
    "extra_annotations": "extraAnnotations",
    "extra_container_config": "extraContainerConfig",
    "extra_containers": "extraContainers",
    "extra_labels": "extraLabels",
    "extra_pod_config": "extraPodConfig",
    "extra_resource_guarantees": "extraResource.guarantees",
    "extra_resource_limits": "extraResource.limits",
    "fs_gid": "fsGid",
    "gid": "gid",
    "image": "image",
    "image_pull_policy": "image.pullPolicy",
    "image_pull_secrets": "image.pullSecrets",
    "init_containers": "initContainers",
    "lifecycle_hooks": "lifecycleHooks",
    "mem_guarantee": "memory.guarantee",
    "mem_limit": "memory.limit",
    "node_affinity_preferred": "extraNodeAffinity.preferred",
    "node_affinity_required": "extraNodeAffinity.required",
    "node_selector": "nodeSelector",
    "pod_affinity_preferred": "extraPodAffinity.preferred",
    "pod_affinity_required": "extraPodAffinity.required",
    "pod_anti_affinity_preferred": "extraPodAntiAffinity.preferred",
    "pod_anti_affinity_required": "extraPodAntiAffinity.required",
    "priority_class_name": "priorityClassName",
    "profile_list": "profiles",
    "pvc_name_template": "storage.dynamic.pvcNameTemplate",
    "scheduler_name": "schedulerName",
    "service_account": "serviceAccountName",
    "start_timeout": "startTimeout",
    "storage_access_modes": "storage.dynamic.storageAccessModes",
    "storage_capacity": "storage.capacity",
    "storage_class": "storage.dynamic.storageClass",
    "storage_extra_labels": "storage.extraLabels",
    "storage_pvc_ensure": "storage.type",
    "supplemental_gids": "supplementalGids",
    "tolerations": "extraTolerations",
    "uid": "uid",
    "volume_mounts": "storage.extraVolumeMounts",
    "volumes": "storage.extraVolumes",
}
"""Traits that have a key in the policy language, and that key."""

ADMITTED: Final[Mapping[str, Callable[[Any], Any]]] = {
    "args": values.each(values.text),
    "automount_service_account_token": values.flag,
    "container_security_context": kinds.kubernetes_value("SecurityContext"),
    "debug": values.flag,
    "delete_grace_period": values.whole,
    "disable_user_config": values.flag,
    "http_timeout": values.seconds,
    "notebook_dir": values.filled_text,
    "pod_security_context": kinds.kubernetes_value("PodSecurityContext"),
    "privileged": values.flag,
    "storage_extra_annotations": kinds.annotation_texts,
    "storage_selector": kinds.kubernetes_value("LabelSelector"),
    "working_dir": values.checked(names.check_mount_path),
}
"""Traits without a key that describe one server, and what each accepts."""

_HUB: Final = "it belongs to the hub, not to one server"
_API: Final = "it decides how the hub reaches Kubernetes"
_NAMING: Final = "names must stay what the hub knows a server by"
_LABELS: Final = "the hub finds its pods by these labels"
_SCOPES: Final = "it decides what a token may do"
_HOOK: Final = "a hook runs in the hub"
REFUSED: Final[Mapping[str, str]] = {
    "additional_profile_form_template_paths": _HUB,
    "after_pod_created_hook": _HOOK,
    "apply_user_options": _HOOK,
    "auth_state_hook": _HOOK,
    "common_labels": _LABELS,
    "component_label": _LABELS,
    "consecutive_failure_limit": _HUB,
    "delete_pvc": _HUB,
    "delete_stopped_pods": _HUB,
    "dns_name_template": _NAMING,
    "enable_user_namespaces": _NAMING,
    "env_keep": "it would hand the hub's own environment to users",
    "events_enabled": _HUB,
    "get_pod_url": _HOOK,
    "group_overrides": _HUB,
    "handle_legacy_names": _NAMING,
    "hub_connect_ip": _HUB,
    "hub_connect_port": _HUB,
    "hub_connect_url": _HUB,
    "ip": _HUB,
    "k8s_api_host": _API,
    "k8s_api_request_retry_timeout": _API,
    "k8s_api_request_timeout": _API,
    "k8s_api_ssl_ca_cert": _API,
    "k8s_api_threadpool_workers": _API,
    "k8s_api_verify_ssl": _API,
    "modify_pod_hook": _HOOK,
    "namespace": _NAMING,
    "oauth_client_allowed_scopes": _SCOPES,
    "oauth_roles": _SCOPES,
    "options_form": _HUB,
    "options_from_form": _HOOK,
    "pod_connect_ip": _HUB,
    "pod_name_template": _NAMING,
    "poll_interval": _HUB,
    "poll_jitter": _HUB,
    "port": _HUB,
    "post_stop_hook": _HOOK,
    "pre_spawn_hook": _HOOK,
    "profile_form_template": _HUB,
    "progress_ready_hook": _HOOK,
    "remember_pvc_name": _NAMING,
    "secret_mount_path": _HUB,
    "secret_name_template": _NAMING,
    "server_token_scopes": _SCOPES,
    "services_enabled": _HUB,
    "slow_spawn_message": _HUB,
    "slow_spawn_message_frequency": _HUB,
    "slow_spawn_message_threshold": _HUB,
    "slug_scheme": _NAMING,
    "ssl_alt_names": _HUB,
    "ssl_alt_names_include_local": _HUB,
    "user_namespace_annotations": _NAMING,
    "user_namespace_labels": _NAMING,
    "user_namespace_template": _NAMING,
}
"""Traits that no policy may set, and why."""


def check_trait(name: str) -> None:
    """Raises Fault unless `kubespawnerOverride` admits the trait."""
    if name in KEYS:
        raise Fault(f"{name} has a key of its own", f"write {KEYS[name]}")
    if name in REFUSED:
        raise Fault(f"{name} may not stand in a policy: {REFUSED[name]}", f"set c.KubeSpawner.{name}")
    if name not in ADMITTED:
        message = f"KubeSpawner has no trait {names.quoted(name)}"
        raise Fault(message, hint_for(name) or suggest(name, [*ADMITTED, *KEYS]))


overrides: Final = values.keyed(check_trait, lambda name, value: ADMITTED[name](value))
"""A mapping of admitted traits to values of their types; null removes what is beneath."""


def hint_for(key: str) -> str | None:
    """For a word that is no key of a policy but a trait of KubeSpawner, in its spelling or in camelCase."""
    trait = re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), key)
    if trait in KEYS:
        return f"write {KEYS[trait]}"
    if trait in ADMITTED:
        return f"write kubespawnerOverride: {{{trait}: ...}}"
    if trait in REFUSED:
        return f"set c.KubeSpawner.{trait}: {REFUSED[trait]}"
    return None
