"""Generated pieces of Kubernetes objects: what admins write, edge values of it, and things that go wrong.

The shape of a piece comes from the package's own table of types, so a field that is new in the table is generated
without a word here; what is likely in a field stands in `LIKELY`, and what a type needs besides in `WHOLE`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from hypothesis import strategies as st

from envspawner.policy.kubernetes import _types
from envspawner.policy.kubernetes_shapes import SHAPES

Data = dict[str, Any]
Values = st.SearchStrategy[Any]

SERVICE_ACCOUNT: Final = "hub-sa"
PRIORITY_CLASS: Final = "hub-priority"
RUNTIME_CLASS: Final = "hub-runtime"
"""Objects that admission looks for in a dry run; the cluster tests make them."""

NEW: Final = {
    # What Kubernetes 1.20 does not know or has behind a gate: it drops these fields, and then finds nothing there.
    "EnvVarSource": {"fileKeyRef"},
    "InitContainer": {"restartPolicy"},  # with which it may have probes
    "LifecycleHandler": {"sleep"},
    "Probe": {"grpc"},
    "Volume": {"ephemeral", "image"},
    "VolumeProjection": {"clusterTrustBundle", "podCertificate"},
}
NEW_WORDS: Final = {
    "ReadWriteOncePod",
    "Gt",
    "Lt",
}  # as an operator of a toleration; those of nodes stand in WHOLE
UNLIKELY: Final = {
    # Types of volumes that are seldom seen: one in a while is enough.
    "Volume": {
        "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "fc", "flexVolume", "flocker",
        "gcePersistentDisk", "gitRepo", "glusterfs", "iscsi", "photonPersistentDisk", "portworxVolume", "quobyte",
        "rbd", "scaleIO", "storageos", "vsphereVolume", "image", "ephemeral",
    },
}  # fmt: skip

SELDOM: Final = {
    # Fields that mostly contradict something else.
    "InitContainer": {"lifecycle", "livenessProbe", "readinessProbe", "startupProbe"},
    "Probe": {"terminationGracePeriodSeconds"},
    "VolumeMount": {"subPathExpr"},
    "EnvVar": {"value"},
}

TEXTS: Final = (
    "a", "word", "two words", "", " ", "0", "007", "1e9", "yes", "null", "~", "Grüße 🦉", "日本語", "line\nbreak\n",
    "tab\t", '{"a": 1}', "{'x'}", "${HOME}", "$(USER)", "{username}", "{{username}}", "{user_server}/{servername}",
    "{nope}", "{", "}", "}}{{", "'\"`\\", "%(x)s %d", "- a: b", "# no comment", "a: b", "&a *a !a", "x" * 300,
    "{unescaped_username}", "{profile}", "{namespace}", "é" * 70,
)  # fmt: skip
NAMES: Final = ("a", "shared", "data-1", "x" * 63, "hub.example.org", "claim-{username}", "{user_server}")
LABEL_KEYS: Final = (
    "app",
    "kubernetes.io/hostname",
    "node.kubernetes.io/instance-type",
    "a_b.C",
    "example.org/" + "k" * 63,
)
LABEL_VALUES: Final = ("", "a", "A_b.c-1", "1.10", "x" * 63, "{username}", "{servername}")
PATHS: Final = (
    "/",
    "/data",
    "/home/jovyan/x y",
    "/srv/{username}",
    "/a..b",
    "/ü",
    "/data/",
    "//x",
    "/" + "p" * 200,
)
QUANTITIES: Final = ("0", "1", "500m", "1.5Gi", "2", "1e3", "100M", "9223372036854775807", "1E", "0.1", "1Ki")
COUNTS: Final = (0, 1, 2, 5, 30, 2**31 - 1)
WRONG: Final[tuple[Any, ...]] = (
    None, True, 0, -1, 1.5, 2**70, "", "no such thing", "UPPER_lower.x", "x" * 300, "../up", "{match}", "{value}", [],
    {}, {"a": 1}, ["a"], "10 Gib", "1\u2028", "nul\0",
)  # fmt: skip

texts = st.sampled_from(TEXTS) | st.text(max_size=8)
wrong: Values = st.sampled_from(WRONG)


def some(*values: Any) -> Values:
    return st.sampled_from(values)


def seldom(rare: Values, often: Values, one_in: int) -> Values:
    """`rare` once in so many times."""
    return st.integers(0, one_in - 1).flatmap(lambda n: rare if n == one_in - 1 else often)


@st.composite
def subset(draw: st.DrawFn, values: list[str], least: int, most: int) -> list[str]:
    """Some of the values, as often many as few (lists of hypothesis are mostly short)."""
    left, found = list(values), []
    for _ in range(min(draw(st.integers(min(least, most), most)), len(left))):
        found.append(left.pop(draw(st.integers(0, len(left) - 1))))
    return found


def several(values: Values, most: int = 2, least: int = 0) -> Values:
    """A list, as often long as short."""
    return st.integers(least, most).flatmap(lambda size: st.lists(values, min_size=size, max_size=size))


@st.composite
def picked(
    draw: st.DrawFn, fields: dict[str, Values], most: int, must: tuple[str, ...] = (), least: int = 1
) -> Data:
    """A mapping with what must be there and some of the others."""
    others = [field for field in fields if field not in must]
    return {field: draw(fields[field]) for field in (*must, *draw(subset(others, least, most)))}


def mostly(*values: Any, but: tuple[Any, ...]) -> Values:
    """One of the values; once in a while one of those that go wrong."""
    return seldom(st.sampled_from(but), st.sampled_from(values), 50)


# --- by word of the table ----------------------------------------------------------------------------------

WORDS: Final[dict[str, Values]] = {
    "absolute-path": some("/", "/export", "/export/{username}", "/a..b"),
    "boolean": st.booleans(),
    "config-key": mostly("token", "a.b_c-d", "x" * 253, "_", ".a", but=("a b", "..", "..a", "x" * 254, "ü")),
    "csi-driver": mostly("inline.storage.kubernetes.io", "secrets-store.csi.k8s.io", "Csi", but=("Csi_Driver",)),
    "dns-label": some("a", "x" * 63, "home-{username}", "1"),
    "env-name": some("A", "PATH_2", "my.env-name", "_"),
    "env-prefix": mostly("CFG_", "", "x.y-", but=("1_", "a b")),
    "field-path": some(
        "metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels['app']",
        "metadata.annotations['example.org/Ab']",
    ),
    "file-path": mostly("a", "users/{username}", "a b/ü", "a/", "./a", but=("..a", "/a", "a/../b")),
    "filled": some("a", "word", "two words", "hub.example.org", "UPPER", "x" * 300, "ü", "{username}", "/x", " x "),
    "header": mostly("Accept", "X-Forwarded-For", "-", but=("a b", "a_b")),
    "image": mostly("busybox:1.36", "ghcr.io/example/proxy@sha256:" + "0" * 64, "UPPER", "{username}", but=(" a", "")),
    "int32": some(0, 1, 2**31 - 1, 100),
    "integer": some(0, 1, 30, 2**31, 2**63 - 1),
    "ip": mostly("10.0.0.1", "::1", "fd00::10", but=("256.1.1.1", "localhost", "010.0.0.1", "fe80::1%eth0")),
    "iscsi-name": mostly("iqn.2001-04.com.example:storage.kube.sys1.xyz", "eui." + "0" * 16, but=("iqn.x", "x")),
    "label-key": st.sampled_from(LABEL_KEYS),
    "label-value": st.sampled_from(LABEL_VALUES),
    "medium": some("", "Memory", "HugePages", "HugePages-2Mi"),
    "mode": some(0, 0o400, 0o644, 0o777),
    "mount-path": st.sampled_from(PATHS),
    "port": some(80, 65535, "http", "a-1"),
    "port-name": some("http", "a-1", "x" * 15),
    "quantity": st.sampled_from(QUANTITIES),
    "registries": mostly("quobyte:7861", "a:1,b:2", "[::1]:7", but=("a", "a:b:c")),
    "resource": some("cpu", "memory", "nvidia.com/gpu", "ephemeral-storage", "hugepages-2Mi"),
    "search-domain": mostly("svc.cluster.local", "example.org", "a.", but=("UPPER", ".")),
    "string": st.sampled_from(TEXTS),
    "sub-path": mostly("a", "users/{username}", "a b/ü", "..a", "a/", "./a", but=("../x", "/x", "")),
    "subdomain": st.sampled_from(NAMES),
    "sysctl": mostly("net.core.somaxconn", "kernel.shm_rmid_forced", but=("a b", "Net", "x" * 254)),
    "taint-key": some("", *LABEL_KEYS),
    "windows-user": mostly("ContainerUser", "domain\\user", "a b", but=("", "a\\b\\c", "x" * 30)),
}  # fmt: skip

LIKELY: Final[dict[str, Values]] = {
    "AzureDiskVolumeSource.diskURI": some("https://x.blob.core.windows.net/vhds/a.vhd", "/subscriptions/x/y"),
    "Capabilities.add": st.lists(some("NET_ADMIN", "SYS_ADMIN", "CAP_SYS_ADMIN", "ALL"), max_size=2),
    "Capabilities.drop": st.lists(some("ALL", "KILL"), max_size=2),
    "Container.image": st.deferred(lambda: WORDS["image"]),
    "Container.name": mostly(
        "a", "sidecar", "proxy", "proxy-{username}", "x" * 63, but=("notebook", "a b", "x" * 64)
    ),
    "InitContainer.name": mostly("init", "setup", "init-{username}", "i" * 63, but=("notebook", "a", "UPPER")),
    "Container.volumeMounts": st.deferred(lambda: mounts()),
    "Container.workingDir": some("/", "/srv", "relative", "/ü"),
    "Container.terminationMessagePath": some("/dev/termination-log", "x", ""),
    "ContainerPort.hostIP": some("", "10.0.0.1"),
    "ContainerPort.hostPort": some(0, 8000, 8001, 8002, 8003),
    "HTTPGetAction.path": some("/healthz", "/", "", "no slash", "/ü?x=1"),
    "HTTPGetAction.host": some("127.0.0.1", "", "example.org", "a b"),
    "HostAlias.hostnames": st.lists(mostly("a", "hub.example.org", but=("UPPER", "a_b")), max_size=2),
    "LocalObjectReference.name": some("pull-secret", "regcred.x"),
    "ObjectFieldSelector.apiVersion": mostly("v1", "", but=("v2",)),
    "NodeSelectorTerm.matchFields": st.lists(
        mostly(
            {"key": "metadata.name", "operator": "In", "values": ["rig-node"]},
            but=({"key": "app", "operator": "Exists"}, {"key": "metadata.name", "operator": "Exists"}),
        ),
        max_size=1,
    ),
    "PodDNSConfig.nameservers": st.lists(st.deferred(lambda: WORDS["ip"]), max_size=3),
    "PodDNSConfigOption.name": mostly("ndots", "edns0", but=("",)),
    "PodReadinessGate.conditionType": mostly("example.org/ready", "ready", but=("a b",)),
    "PodSpec.dnsPolicy": mostly("ClusterFirst", "Default", "ClusterFirstWithHostNet", but=("None",)),
    "PodSpec.nodeName": mostly("rig-node", but=("UPPER", "")),
    "PodSpec.priorityClassName": some(PRIORITY_CLASS, ""),
    "PodSpec.runtimeClassName": st.just(RUNTIME_CLASS),
    "PodSpec.schedulerName": some("default-scheduler", "x" * 300, "a b"),
    "PodSpec.serviceAccount": some(SERVICE_ACCOUNT, ""),
    "PodSpec.serviceAccountName": some(SERVICE_ACCOUNT, ""),
    "Probe.failureThreshold": st.sampled_from(COUNTS),
    "Probe.initialDelaySeconds": st.sampled_from(COUNTS),
    "Probe.periodSeconds": st.sampled_from(COUNTS),
    "Probe.successThreshold": mostly(0, 1, but=(2,)),
    "Probe.timeoutSeconds": st.sampled_from(COUNTS),
    "ResourceFieldSelector.resource": mostly(
        "limits.cpu", "requests.memory", "limits.ephemeral-storage", but=("limits.gpu", "cpu")
    ),
    "ResourceFieldSelector.divisor": some("1", "1", "0", "1m", "1Mi"),
    "ResourceFieldSelector.containerName": some("notebook", "nobody"),
    "SecurityContext.runAsUser": some(0, 1000, 2**31 - 1),
    "Volume.name": some("data", "scratch", "more", "proj-{username}", "x" * 63),
    "VolumeDevice.name": mostly("shared", but=("nobody",)),
    "VolumeDevice.devicePath": some("/dev/xvda", "/dev/xvdb"),
    "VolumeMount.mountPropagation": mostly("None", "HostToContainer", but=("Bidirectional",)),
    "VolumeMount.name": mostly("shared", "home", but=("data", "nobody")),
}  # fmt: skip
"""What stands in some fields; elsewhere what their words mean."""


# --- types whose fields hang together ----------------------------------------------------------------------


def mounts() -> Values:
    """Mounts of one container: mostly of volumes that there are, each at a path of its own."""
    one: Values = piece("VolumeMount")
    return st.lists(one, max_size=2, unique_by=lambda mount: str(mount["mountPath"]))


@st.composite
def _requirement(draw: st.DrawFn, operators: tuple[str, ...]) -> Data:
    operator = draw(some(*operators))
    found = {"key": draw(WORDS["label-key"]), "operator": operator}
    if operator in ("In", "NotIn"):
        found["values"] = draw(st.lists(WORDS["label-value"], min_size=1, max_size=2))
    elif operator in ("Gt", "Lt"):
        found["values"] = draw(some([15], ["0"], ["-1"], ["9" * 30]))
    return found


@st.composite
def _toleration(draw: st.DrawFn) -> Data:
    found: Data = {"operator": draw(some("Exists", "Equal"))}
    if found["operator"] == "Equal" or draw(st.booleans()):
        found["key"] = draw(st.sampled_from(LABEL_KEYS))
    if found["operator"] == "Equal":
        found["value"] = draw(WORDS["label-value"])
    effect = draw(some(None, "", "NoSchedule", "PreferNoSchedule", "NoExecute"))
    if effect is not None:
        found["effect"] = effect
    if effect == "NoExecute" and draw(st.booleans()):
        found["tolerationSeconds"] = draw(some(0, 6000, -1))
    return found


@st.composite
def _resources(draw: st.DrawFn) -> Data:
    limits: Data = draw(
        picked(
            {
                "cpu": some("2", 1, 0.5),
                "memory": some("1Gi", "512Mi", 2**31),
                "ephemeral-storage": some("1Gi"),
                "nvidia.com/gpu": some(0, 1, "2"),
                "hugepages-2Mi": some("4Mi", "0"),
            },
            3,
        )
    )
    if "hugepages-2Mi" in limits and draw(st.integers(0, 9)):
        limits["memory"] = "1Gi"
    least = {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "1Mi"}
    requests = {name: least.get(name, amount) for name, amount in limits.items() if draw(st.booleans())}
    return {"limits": limits, "requests": requests}


@st.composite
def _seccomp(draw: st.DrawFn) -> Data:
    kind = draw(some("RuntimeDefault", "Unconfined", "Localhost"))
    return {"type": kind, "localhostProfile": "audit.json"} if kind == "Localhost" else {"type": kind}


WHOLE: Final[dict[str, Values]] = {
    "LabelSelectorRequirement": _requirement(("In", "NotIn", "Exists", "DoesNotExist")),
    "NodeSelectorRequirement": _requirement(("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")),
    "ResourceRequirements": _resources(),
    "SeccompProfile": _seccomp(),
    "Toleration": _toleration(),
}
"""What is mostly right where random fields would nearly always contradict each other."""


# --- any type of the table ---------------------------------------------------------------------------------


@cache
def piece(kind: str, *, new: bool = False, slips: bool = False) -> Values:
    """A value of a type of the table, right in itself; slips: a few things in it may be anything at all.

    new: also what Kubernetes 1.20 does not know.
    """
    made = _piece(kind, lambda word, field: _field(word, field, new, slips), new)
    return seldom(wrong, made, 40) if slips else made


@cache
def _field(word: str, field: str, new: bool, slips: bool) -> Values:
    found = LIKELY.get(field, LIKELY.get(field.replace("InitContainer.", "Container.")))
    if found is None:
        return piece(word, new=new, slips=slips)
    return seldom(wrong, found, 40) if slips else found


def _piece(kind: str, field: Callable[[str, str], Values], new: bool) -> Values:
    if kind in WORDS:
        return WORDS[kind]
    assert kind not in SHAPES, f"nothing is generated yet for the word {kind}"
    if kind.endswith("+") or kind.startswith("["):
        inner = kind.rstrip("+")[1:-1]
        return several(st.deferred(lambda: field(inner, "")), 2, kind.count("+"))
    if kind.startswith("{"):
        keys, _, inner = kind[1:-1].rpartition(":")
        return st.dictionaries(WORDS[keys or "label-key"], st.deferred(lambda: field(inner, "")), max_size=2)
    if "|" in kind:
        words = [word for word in kind.split("|") if new or word not in NEW_WORDS]
        return st.sampled_from(words)
    if ".." in kind:
        low, high = map(int, kind.split(".."))
        return some(low, high, min(low + 1, high), min(max(low, 1000), high))
    if kind in WHOLE:
        return seldom(_object(kind, field, new), WHOLE[kind], 15)
    return _object(kind, field, new)


@st.composite
def _object(draw: st.DrawFn, kind: str, field: Callable[[str, str], Values], new: bool) -> Data:
    words = {name: word for name, word in _types()[kind].items() if new or name not in NEW.get(kind, ())}
    chosen = [name for name, word in words.items() if word.endswith("!")]
    sources = [name for name, word in words.items() if word.endswith("^")]
    if sources:
        usual = [name for name in sources if name not in UNLIKELY.get(kind, ())]
        chosen.append(draw(st.sampled_from(sources if draw(st.integers(0, 3)) == 3 else usual)))
    optional = [name for name, word in words.items() if word[-1] not in "!^"]
    if draw(st.integers(0, 15)) < 15:
        optional = [name for name in optional if name not in SELDOM.get(kind, ())]
    if optional:
        chosen += draw(subset(optional, 0, 4))
    return {name: draw(field(words[name].rstrip("!^"), f"{kind}.{name}")) for name in chosen}
