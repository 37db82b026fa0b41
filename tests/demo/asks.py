"""Single requests and what must be in their answers, in words short enough for a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.demo.conformance import Answer, Api, Json

CLAIMS: Final = "persistentvolumeclaims"
REASONS: Final = {
    400: "BadRequest",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    422: "Invalid",
}
THERE: Final = "{mark}"
"""The name of the pod, the claim and the secret that are there before each request."""
MERGE: Final = "application/merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"
STRATEGIC: Final = "application/strategic-merge-patch+json"

Body = Callable[[Api], Any]


def nothing(api: Api) -> None:
    return None


@dataclass(frozen=True)
class Ask:
    """One request about `kind` (with `named`: about that object), and what is in its answer."""

    says: str
    method: str
    code: int
    fields: Mapping[str, Any] = field(default_factory=dict)
    body: Body = nothing
    kind: str = "pods"
    named: str = ""
    namespace: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    def __str__(self) -> str:
        return self.says

    async def send(self, api: Api) -> Answer:
        path = api.path(self.kind, self.named.format(mark=api.mark), self.namespace)
        return await api.send(self.method, path, self.body(api), self.query, self.content_type)


def made(says: str, body: Body, kind: str = "pods", **fields: Any) -> Ask:
    """A creation that succeeds. fields: with `__` for the dots of their paths."""
    return Ask(says, "POST", 201, _paths(fields), body, kind)


def refused(says: str, code: int, body: Body, kind: str = "pods", cause: str = "", **how: Any) -> Ask:
    """A creation that fails. cause: the field that the first cause names."""
    return Ask(says, "POST", code, failure(code, cause), body, kind, **how)


def patched(says: str, body: Any, content_type: str = MERGE, kind: str = "pods", **fields: Any) -> Ask:
    """A patch that succeeds."""
    return Ask(says, "PATCH", 200, _paths(fields), same(body), kind, THERE, content_type=content_type)


def unpatched(says: str, code: int, body: Any, content_type: str = MERGE, kind: str = "pods") -> Ask:
    """A patch that fails."""
    return Ask(says, "PATCH", code, failure(code), same(body), kind, THERE, content_type=content_type)


def failure(code: int, cause: str = "") -> dict[str, Any]:
    """The Status that all errors of a code have in common."""
    fields = {"kind": "Status", "status": "Failure", "code": code, "reason": REASONS[code]}
    return {**fields, "details.causes.0.field": cause} if cause else fields


def _paths(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace("__", "."): value for name, value in fields.items()}


def same(value: Any) -> Body:
    return lambda api: value


def pod(**spec: Any) -> Body:
    return lambda api: api.pod("-new", **spec)


def container(**parts: Any) -> Body:
    return pod(containers=[{"name": "notebook", "image": "example.org/image:1", **parts}])


def limited(limit: str, request: str) -> Body:
    return container(resources={"limits": {"memory": limit}, "requests": {"memory": request}})


def changed(body: Body, **parts: Any) -> Body:
    return lambda api: {**body(api), **parts}


def metadata(**parts: Any) -> Body:
    def body(api: Api) -> Json:
        thing = api.pod("-new")
        return {**thing, "metadata": {**thing["metadata"], **parts}}

    return body


def claim(**spec: Any) -> Body:
    def body(api: Api) -> Json:
        return {**api.claim(**spec), "metadata": {"name": api.mark + "-new"}}

    return body


def plain(**parts: Any) -> Body:
    """An object with a name and nothing else but `parts`."""
    return lambda api: {"metadata": {"name": api.mark + "-new"}, **parts}


def event(namespace: str | None = None) -> Body:
    def body(api: Api) -> Json:
        about = {"kind": "Pod", "name": api.mark, "namespace": namespace or api.namespace}
        return {"metadata": {"name": api.mark}, "involvedObject": about, "reason": "Told", "type": "Normal"}

    return body
