"""Starts with KubeSpawner's `profile_list`: one evaluator decides, and its known bypasses are closed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from threading import Lock
from typing import Any

import pytest
from tornado.web import HTTPError
from traitlets.config import Config

from envspawner.policy.problems import PolicyError

from .support import Made, config_of, made_by, make, spawner_for

IMAGE = {
    "display_name": "Image",
    "choices": {
        "py": {"kubespawner_override": {"image": "pangeo/py:1"}},
        "r": {"default": True, "kubespawner_override": {"image": "pangeo/r:1"}},
    },
    "unlisted_choice": {
        "enabled": True,
        "validation_regex": "^pangeo/.+$",
        "validation_message": "Must be an image of pangeo.",
        "kubespawner_override": {"image": "{value}", "environment": {"IMAGE": "{username}: {value}"}},
    },
}
SIZE = {"choices": {"s": {}, "l": {"kubespawner_override": {"mem_limit": "8G"}, "allowed_groups": ["staff"]}}}
LIST: list[dict[str, Any]] = [
    {"display_name": "Small", "kubespawner_override": {"mem_limit": "1G"}},
    {"display_name": "Images", "default": True, "profile_options": {"image": IMAGE, "size": SIZE}},
    {"display_name": "GPU", "allowed_groups": ["gpu"], "kubespawner_override": {"uid": 7}},
]


def listing(profile_list: Any, **policy: Any) -> Config:
    config = Config()
    config.KubeSpawner.profile_list = profile_list
    config.EnvSpawner.update(policy)
    return config


async def start(options: Any = None, config: Config | None = None, **how: Any) -> Made:
    return await make(listing(LIST) if config is None else config, options=options, **how)


async def reason(options: Any, config: Config | None = None, **how: Any) -> str:
    with pytest.raises(HTTPError) as caught:
        await start(options, config, **how)
    assert 400 <= caught.value.status_code < 500
    return str(getattr(caught.value, "refusal", "")).partition(":")[0]


CHOSEN: dict[str, tuple[Any, str]] = {
    "nothing": ({}, "pangeo/r:1"),
    "an empty profile": ({"profile": ""}, "pangeo/r:1"),
    "a profile": ({"profile": "images"}, "pangeo/r:1"),
    "a choice": ({"profile": "images", "image": "py"}, "pangeo/py:1"),
    "free text": ({"profile": "images", "image--unlisted-choice": "pangeo/x:2"}, "pangeo/x:2"),
    "free text beside a choice": (
        {"profile": "images", "image": "py", "image--unlisted-choice": "pangeo/x:2"},
        "pangeo/x:2",
    ),
    "options of the default profile": ({"image": "py"}, "pangeo/py:1"),
}


@pytest.mark.parametrize(("options", "image"), CHOSEN.values(), ids=CHOSEN)
async def test_what_is_chosen_is_started(options: Any, image: str) -> None:
    assert (await start(options)).notebook["image"] == image


async def test_a_start_has_no_annotations_of_a_policy_where_there_is_none() -> None:
    annotations = (await start()).pod["metadata"]["annotations"]
    assert not [key for key in annotations if "envspawner" in key]


REFUSED: dict[str, tuple[Any, str]] = {
    "a profile that is none": ({"profile": "nope"}, "profile-unknown"),
    "a profile for others": ({"profile": "gpu"}, "profile-forbidden"),
    "a choice that is none": ({"profile": "images", "image": "nope"}, "choice-unknown"),
    "a choice for others": ({"profile": "images", "size": "l"}, "choice-forbidden"),
    "free text of another image": (
        {"profile": "images", "image--unlisted-choice": "evil.io/x:1"},
        "value-invalid",
    ),
    "the same without a profile": ({"image--unlisted-choice": "evil.io/x:1"}, "value-invalid"),
    "free text with a prefix that fits": (
        {"profile": "images", "image--unlisted-choice": "pangeo/x:1; rm -rf /"},
        "value-invalid",
    ),
    "free text with a newline": (
        {"profile": "images", "image--unlisted-choice": "pangeo/x:1\n"},
        "value-invalid",
    ),
    "free text where there is none": ({"profile": "images", "size--unlisted-choice": "x"}, "option-unknown"),
    "the same without a profile, again": ({"size--unlisted-choice": "x"}, "option-unknown"),
    "an option of another profile": ({"profile": "small", "image": "py"}, "option-unknown"),
    "a list": ({"profile": ["images"]}, "options-invalid"),
    "a number": ({"profile": "images", "image": 3}, "options-invalid"),
    "a mapping": ({"profile": "images", "image--unlisted-choice": {}}, "options-invalid"),
}


@pytest.mark.parametrize(("options", "why"), REFUSED.values(), ids=REFUSED)
async def test_what_kubespawner_lets_through_or_fails_on_is_refused(options: Any, why: str) -> None:
    assert await reason(options) == why


async def test_allowed_groups_admit_members() -> None:
    assert (await start({"profile": "gpu"}, groups=["gpu"])).notebook["securityContext"]["runAsUser"] == 7
    made = await start({"size": "l"}, groups=["staff"])
    assert made.notebook["resources"]["limits"]["memory"] == 8 * 2**30


@pytest.mark.parametrize("text", ["pangeo/x:{nope}", "pangeo/{unescaped_username}"])
async def test_typed_text_is_never_expanded(text: str) -> None:
    listed = [
        {
            "display_name": "x",
            "profile_options": {
                "o": {
                    "unlisted_choice": {
                        "enabled": True,
                        "kubespawner_override": {"environment": {"TYPED": "{username} {value}"}},
                    }
                }
            },
        }
    ]
    made = await start({"o--unlisted-choice": text}, listing(listed))
    assert made.env["TYPED"] == f"ada {text}"


async def test_one_start_leaves_nothing_to_the_next() -> None:
    profile = {
        "mem_limit": "1G",
        "environment": {"A": "1"},
        "node_selector": {"pool": "x"},
        "extra_labels": {"l": "1"},
    }
    listed = [
        {"display_name": "full", "kubespawner_override": profile},
        {"display_name": "empty"},
    ]
    with spawner_for(listing(listed), options={"profile": "full"}) as spawner:
        await spawner.load_user_options()
        assert spawner.node_selector == {"pool": "x"}
        spawner.user_options = {"profile": "empty"}
        await spawner.load_user_options()
        made = await made_by(spawner)
    assert "A" not in made.env
    assert made.pod["spec"].get("nodeSelector") in (None, {})
    assert "l" not in made.pod["metadata"]["labels"]


async def test_forms_give_the_user_options_of_kubespawner() -> None:
    with spawner_for(listing(LIST)) as spawner:
        form = {
            "profile": ["images"],
            "profile-option-images--image": ["py"],
            "profile-option-images-plus--size": ["l"],
        }
        assert spawner.options_from_form(form) == {"profile": "images", "image": "py"}


async def test_the_first_of_two_defaults_holds() -> None:
    listed = [
        {"display_name": "a"},
        {"display_name": "b", "default": True, "kubespawner_override": {"uid": 1}},
        {"display_name": "c", "default": True, "kubespawner_override": {"uid": 2}},
    ]
    assert (await start({}, listing(listed))).notebook["securityContext"]["runAsUser"] == 1


# --- callables -------------------------------------------------------------------------------------------------------


async def for_groups(spawner: Any) -> list[dict[str, Any]]:
    await asyncio.sleep(0)
    names = [group.name for group in spawner.user.groups]
    return [{"display_name": name, "kubespawner_override": {"uid": 9}, "users": ["x"]} for name in names]


async def test_a_callable_list_is_called_for_each_start() -> None:
    config = listing(for_groups)
    made = await start({"profile": "staff"}, config, groups=["staff"])
    assert made.notebook["securityContext"]["runAsUser"] == 9
    assert await reason({"profile": "staff"}, config, groups=["gpu"]) == "profile-unknown"
    assert await reason({"profile": "staff"}, config) == "profile-unknown"


async def test_a_plain_function_is_a_callable_list_too() -> None:
    made = await start({}, listing(lambda spawner: [{"display_name": spawner.user.name}]))
    assert made.notebook


async def test_a_list_that_its_function_changes_is_read_anew() -> None:
    listed: list[dict[str, Any]] = [{"display_name": "x", "kubespawner_override": {"uid": 1}}]
    config = listing(lambda spawner: listed)
    assert (await start({}, config)).notebook["securityContext"]["runAsUser"] == 1
    listed[0]["kubespawner_override"]["uid"] = 2
    assert (await start({}, config)).notebook["securityContext"]["runAsUser"] == 2


async def test_a_list_may_hold_methods_of_what_cannot_be_copied() -> None:
    class Database:
        def __init__(self) -> None:
            self.lock = Lock()

        def uid(self, spawner: Any) -> int:
            return 5

    override = {"uid": Database().uid}
    config = listing(lambda spawner: [{"display_name": "x", "kubespawner_override": override}])
    assert (await start({}, config)).notebook["securityContext"]["runAsUser"] == 5


async def test_a_list_that_stays_the_same_is_read_once(caplog: pytest.LogCaptureFixture) -> None:
    config = listing(lambda spawner: [{"display_name": "x", "odd": spawner.user.name[:0]}])
    for user in ("ada", "bob"):
        await make(config, user)
    assert [record.message for record in caplog.records if "odd" in record.message] == [
        "c.KubeSpawner.profile_list[0]: warning: odd: unknown key 'odd'"
    ]


def broken(spawner: Any) -> Any:
    raise RuntimeError("no database")


def wrong(spawner: Any) -> Any:
    return [{"display_name": "x", "kubespawner_override": {"mem_limitt": 1}}]


@pytest.mark.parametrize("function", [broken, wrong, lambda spawner: 3])
async def test_a_callable_list_that_cannot_be_used_is_a_refusal(function: Any) -> None:
    assert await reason({}, listing(function)) == "policy-unusable"


async def test_a_refusal_that_a_callable_raises_itself_stays() -> None:
    def refuse(spawner: Any) -> Any:
        raise HTTPError(403, "not for you")

    with pytest.raises(HTTPError, match="not for you"):
        await start({}, listing(refuse))


def late(value: Any) -> Config:
    return listing([{"display_name": "x", "kubespawner_override": {"mem_limit": "1G", **value}}])


async def slow(spawner: Any) -> float:
    await asyncio.sleep(0)
    return 2.0


async def test_a_callable_value_is_called_where_its_profile_is_started() -> None:
    made = await start({}, late({"cpu_limit": slow, "mem_guarantee": lambda spawner: spawner.mem_limit // 2}))
    assert made.notebook["resources"]["limits"] == {"cpu": 2.0, "memory": 2**30}
    assert made.notebook["resources"]["requests"]["memory"] == 2**29


@pytest.mark.parametrize("value", [broken, lambda spawner: "lots"])
async def test_a_callable_value_that_cannot_be_used_is_a_refusal(value: Any) -> None:
    assert await reason({}, late({"mem_guarantee": value})) == "policy-unusable"


async def test_a_callable_beside_typed_text_is_called_too() -> None:
    override = {"environment": {"A": "{value}"}, "uid": lambda spawner: 5}
    unlisted = {"enabled": True, "kubespawner_override": override}
    listed = [
        {"display_name": "x", "profile_options": {"o": {"unlisted_choice": unlisted, "choices": {"c": {}}}}}
    ]
    made = await start({"o--unlisted-choice": "text"}, listing(listed))
    assert (made.env["A"], made.notebook["securityContext"]["runAsUser"]) == ("text", 5)
    assert "A" not in (await start({}, listing(listed))).env


async def test_a_list_that_a_hook_sets_goes_through_the_same_evaluator() -> None:
    with spawner_for(Config(), options={"profile": "nope"}) as spawner:
        spawner.profile_list = LIST
        with pytest.raises(HTTPError) as caught:
            await spawner.load_user_options()
    assert getattr(caught.value, "refusal", "").startswith("profile-unknown")


async def test_a_list_that_a_hook_empties_offers_nothing() -> None:
    with spawner_for(listing(LIST)) as spawner:
        spawner.profile_list = []
        await spawner.load_user_options()
        assert (await made_by(spawner)).notebook["image"] == spawner.trait_defaults("image")


# --- beside a policy -------------------------------------------------------------------------------------------------


async def test_bounds_hold_for_kubespawners_profiles() -> None:
    bounds = {"atMost": {"memory": "4G", "cpu": 1}}
    listed = [
        {"display_name": "fits", "kubespawner_override": {"mem_limit": "2G"}},
        {"display_name": "large", "kubespawner_override": {"extra_resource_limits": {"memory": "64Gi"}}},
        {"display_name": "late", "kubespawner_override": {"mem_limit": lambda spawner: "64G"}},
    ]
    config = listing(listed, defaults=bounds)
    made = await start({}, config)
    assert made.notebook["resources"]["limits"] == {"memory": 2**31, "cpu": 1.0}
    assert await reason({"profile": "large"}, config) == "over-bound"
    made = await start({"profile": "late"}, config)
    assert made.notebook["resources"]["limits"]["memory"] == 4 * 2**30


async def test_a_profile_goes_over_what_the_policy_says() -> None:
    rule = {"extraEnv": {"A": "policy", "B": "policy"}, "image": "a/b:1"}
    override = {"environment": {"A": "{username}"}, "image": "c/d"}
    made = await start({}, listing([{"display_name": "x", "kubespawner_override": override}], defaults=rule))
    assert (made.env["A"], made.env["B"], made.notebook["image"]) == ("ada", "policy", "c/d")
    assert made.pod["metadata"]["annotations"]["hub.jupyter.org/envspawner-profile"] == "x"


async def test_a_profile_without_a_claim_has_no_home_of_the_policy() -> None:
    override = {"storage_pvc_ensure": False, "volumes": [], "volume_mounts": []}
    listed = [{"display_name": "x"}, {"display_name": "bare", "kubespawner_override": override}]
    config = listing(listed, defaults={"storage": {"capacity": "1Gi"}})
    assert (await start({}, config)).claim is not None
    made = await start({"profile": "bare"}, config)
    assert (made.claim, made.mounts, made.volumes) == (None, {}, {})


async def test_a_home_of_a_profile_where_the_policys_is_cannot_be_started() -> None:
    override = {
        "volumes": [{"name": "own", "emptyDir": {}}],
        "volume_mounts": [{"name": "own", "mountPath": "/home/jovyan"}],
    }
    config = listing([{"display_name": "x", "kubespawner_override": override}], defaults={"cmd": "x"})
    assert await reason({}, config) == "policy-unusable"


def test_profiles_in_both_places_are_an_error(tmp_path: Path) -> None:
    config = config_of(tmp_path, "profiles: {a: {}}", lambda c: c.KubeSpawner.update(profile_list=LIST))
    with (
        pytest.raises(PolicyError, match="profile_list stands beside the policy's own profiles"),
        spawner_for(config),
    ):
        pass


async def test_profiles_of_the_policy_beside_a_list_that_a_hook_sets_cannot_be_started(
    tmp_path: Path,
) -> None:
    with spawner_for(config_of(tmp_path, "profiles: {a: {}}")) as spawner:
        spawner.profile_list = LIST
        with pytest.raises(HTTPError) as caught:
            await spawner.load_user_options()
    assert getattr(caught.value, "refusal", "").startswith("policy-unusable")


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    config = config_of(
        tmp_path,
        "defaults: {memroy: 1}",
        lambda c: c.KubeSpawner.update(profile_list=[override_of("mem_limitt")]),
    )
    with pytest.raises(PolicyError) as caught, spawner_for(config):
        pass
    paths = {problem.path for problem in caught.value.problems}
    assert paths == {"defaults.memroy", "kubespawner_override.mem_limitt"}


def override_of(name: str) -> dict[str, Any]:
    return {"display_name": "x", "kubespawner_override": {name: 1}}


def test_the_digest_changes_with_the_list() -> None:
    def digest(**override: Any) -> str:
        with spawner_for(listing([{"display_name": "x", "kubespawner_override": override}])) as spawner:
            return str(spawner._loaded.policy.digest)

    assert digest(uid=1) == digest(uid=1) != digest(uid=2)
    assert digest(uid=broken) == digest(uid=broken) != digest(uid=wrong)
