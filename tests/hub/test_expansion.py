"""Names are computed once for a spawner and fill every template as KubeSpawner would; defaults are only made sooner."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jupyterhub.spawner import Spawner
from kubespawner import KubeSpawner
from traitlets import Dict, default, observe
from traitlets.config import Config

from envspawner.hub import defaults, naming
from envspawner.hub.defaults import settle
from envspawner.hub.offline import OfflineSpawner
from envspawner.hub.own import own_layer

from .support import made_by, spawner_for

NAMES = (
    "username",
    "servername",
    "user_server",
    "unescaped_username",
    "unescaped_servername",
    "safe_username",
    "safe_servername",
    "safe_user_server",
    "escaped_username",
    "escaped_servername",
    "escaped_user_server",
    "userid",
    "hubnamespace",
    "namespace",
    "pod_name",
    "pvc_name",
)
PARTS = (
    *(f"{{{name}}}" for name in NAMES),
    *(
        "{{",
        "}}",
        "{",
        "}",
        "{}",
        "{0}",
        "{nope}",
        "{username!r}",
        "{userid:04d}",
        "{username.__class__}",
        "{username[0]}",
    ),
    *("-", "--", "claim-", "/home/", "$", "a"),
)
TEMPLATES = st.lists(st.sampled_from(PARTS), max_size=6).map("".join)
PEOPLE = st.text(max_size=70) | st.sampled_from(
    [
        "ada",
        "Ada.Lovelace@example.edu",
        "a--b",
        "-a-",
        "a-",
        "ß",
        "{username}",
        "a\0b",
        "x" * 47,
        "x" * 48,
        "x" * 49,
    ]
)


@pytest.fixture(scope="module")
def spawner() -> Iterator[Any]:
    with spawner_for(Config()) as one:
        yield one


def outcome(expand: Any, *args: Any) -> Any:
    try:
        return expand(*args)
    except Exception as error:
        return type(error), str(error)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    user=PEOPLE,
    server=PEOPLE | st.just(""),
    scheme=st.sampled_from(["safe", "escape", None]),
    templates=st.lists(TEMPLATES, min_size=1, max_size=4),
    changing=st.tuples(PEOPLE, PEOPLE, PEOPLE),
)
async def test_every_template_becomes_what_kubespawner_makes_of_it(
    spawner: Any, user: str, server: str, scheme: str | None, templates: list[str], changing: tuple[str, ...]
) -> None:
    spawner.user.name, spawner.orm_spawner.name = user, server
    for template, text in zip(templates, (*changing, ""), strict=False):
        expected = outcome(KubeSpawner._expand_user_properties, spawner, template, scheme)
        assert outcome(spawner._expand_user_properties, template, scheme) == expected
        spawner.pod_name = spawner.pvc_name = spawner.namespace = text


async def test_the_slug_scheme_of_the_spawner_counts_where_none_is_asked_for(spawner: Any) -> None:
    spawner.user.name, spawner.orm_spawner.name = "Ada@x", "Lab"
    for scheme in ("escape", "safe"):
        spawner.slug_scheme = scheme
        expected = KubeSpawner._expand_user_properties(spawner, "{user_server}")
        assert spawner._expand_user_properties("{user_server}") == expected


@pytest.mark.parametrize("scheme", ["other", ""])
async def test_an_unknown_slug_scheme_is_refused_as_kubespawner_does(spawner: Any, scheme: str) -> None:
    with pytest.raises(ValueError, match="slug scheme must be"):
        spawner._expand_user_properties("{username}", scheme)


async def test_a_start_that_settles_defaults_has_those_that_reading_makes() -> None:
    with spawner_for(Config()) as settled, spawner_for(Config()) as read, spawner_for(Config()) as other:
        before = set(settled._trait_values)
        settle(settled)
        settle(other)
        names = set(settled._trait_values) - before
        assert len(names) > 30
        assert names >= {"env_keep", "log", "oauth_access_scopes"}
        for name in names:
            value, expected = getattr(settled, name), getattr(read, name)
            assert (type(value), value) == (type(expected), expected), name
            assert value is None or name == "log" or value is not getattr(other, name), name


class Theirs(OfflineSpawner):
    """A subclass of a hub's admin with defaults of its own."""

    node_selector = Dict({"pool": "user"})

    @default("environment")
    def _environment(self) -> dict[str, str]:
        return {"WHO": self.user.name}

    def _extra_labels_default(self) -> dict[str, str]:
        return {"who": "{username}"}

    def _env_keep_default(self) -> list[str]:
        return ["PATH"]

    @default("oauth_access_scopes")
    def _scopes(self) -> list[str]:
        return ["access:servers!user=them"]

    @default("log")
    def _logger(self) -> logging.Logger:
        return logging.getLogger("theirs")


async def test_defaults_of_a_subclass_are_what_it_says() -> None:
    with spawner_for(Config(), spawner_class=Theirs) as spawner:
        settle(spawner)
        assert spawner.env_keep == ["PATH"]
        assert spawner.oauth_access_scopes == ["access:servers!user=them"]
        assert spawner.log.name == "theirs"


async def test_defaults_of_a_subclass_are_beneath_the_policy() -> None:
    config = Config()
    config.EnvSpawner.defaults = {"nodeSelector": {"zone": "a"}, "extraEnv": {"MINE": "x"}}
    with spawner_for(config, spawner_class=Theirs) as spawner:
        await spawner.load_user_options()
        made = await made_by(spawner)
    assert made.pod["spec"]["nodeSelector"] == {"pool": "user", "zone": "a"}
    assert (made.env["WHO"], made.env["MINE"]) == ("ada", "x")
    assert made.pod["metadata"]["labels"]["who"] == "ada"


async def test_the_own_layer_of_a_new_spawner_makes_no_defaults() -> None:
    with spawner_for(Config()) as spawner:
        before = dict(spawner._trait_values)
        layer = own_layer(spawner, spawner._expand_user_properties)
        assert spawner._trait_values == before
        assert layer.rule is not None
        new = layer.rule.settings
        for name in spawner.trait_names(config=True):
            getattr(spawner, name)
        read = own_layer(spawner, spawner._expand_user_properties).rule
        assert read is not None
        assert new == read.settings


class Watching(OfflineSpawner):
    """A subclass of a hub's admin that looks at what changes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.seen: list[tuple[str, str]] = []
        super().__init__(*args, **kwargs)

    @observe("image")
    def _observed(self, change: Any) -> None:
        self.seen.append(("observed", change["new"]))

    def _storage_capacity_changed(self, name: str, old: Any, new: Any) -> None:
        self.seen.append(("magic", new))


async def test_who_watches_a_trait_hears_what_a_start_sets() -> None:
    config = Config()
    config.EnvSpawner.defaults = {"image": "quay.io/a/b:1", "storage": {"capacity": "7Gi"}}
    with spawner_for(config, spawner_class=Watching) as spawner:
        heard: list[str] = []
        with pytest.warns(DeprecationWarning, match="_storage_capacity_changed"):
            await spawner.load_user_options()
        assert spawner.seen[-2:] == [("observed", "quay.io/a/b:1"), ("magic", "7Gi")]
        spawner._restore()
        spawner.observe(lambda change: heard.append(change["name"]))
        await spawner.load_user_options()
        assert {"image", "storage_capacity", "volumes", "extra_annotations"} <= set(heard)


async def test_labels_of_the_user_are_kubespawners_whatever_changes_between_two_pods() -> None:
    with spawner_for(Config(), user="Ada@x") as spawner:
        for common in ({"a": "b"}, {"a": "c", "d": "e"}, {}):
            spawner.common_labels = common
            theirs = KubeSpawner._build_common_labels(spawner, {"a": "mine", "x": "y"})
            assert spawner._build_common_labels({"a": "mine", "x": "y"}) == theirs
        spawner.user.name = "Bob@x"
        assert spawner._build_common_labels({}) == KubeSpawner._build_common_labels(spawner, {})


async def test_a_kubespawner_with_other_labels_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    now = KubeSpawner._build_common_labels

    def later(spawner: Any, extra_labels: Any) -> dict[str, str]:
        labels: dict[str, str] = now(spawner, {"hub.jupyter.org/kind": "server", **extra_labels})
        return labels

    def reads_more(spawner: Any, extra_labels: Any) -> dict[str, str]:
        return later(spawner, {"hub.jupyter.org/server": spawner.name, **extra_labels})

    for build, more in ((later, {}), (reads_more, {"hub.jupyter.org/server": ""})):
        monkeypatch.setattr(KubeSpawner, "_build_common_labels", build)
        naming._labels_are_known.cache_clear()
        with spawner_for(Config(), user="Ada@x") as spawner:
            labels = spawner._build_common_labels({"a": "b"})
        assert labels.items() >= {"hub.jupyter.org/kind": "server", "a": "b", **more}.items()
    naming._labels_are_known.cache_clear()


async def test_a_jupyterhub_that_asks_more_of_a_spawner_for_its_scopes_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @default("oauth_access_scopes")
    def later(self: Any) -> list[str]:
        return [f"access:servers!server={self.user.name}/{self.name}", f"in {self.namespace}"]

    monkeypatch.setattr(Spawner, "_default_access_scopes", later)
    defaults._made.cache_clear()
    with spawner_for(Config(), user="Ada@x") as spawner:
        settle(spawner)
        assert spawner.oauth_access_scopes == ["access:servers!server=Ada@x/", f"in {spawner.namespace}"]
    defaults._made.cache_clear()
