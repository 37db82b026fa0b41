"""Which home: its kind, its identity, what the spawner's state remembers, and with whom it may be deleted."""

from __future__ import annotations

from typing import Any

import pytest

from envspawner.policy.templates import compile_text
from envspawner.resolve.home import DEFAULT_IDENTITY, VOLUME, Home, Unusable, scope_of
from envspawner.resolve.request import OwnLayer
from envspawner.resolve.slugs import safe_slug

from .support import env, keyed, own, own_layer, resolve


def home(text: str, user: str = "ada", groups: Any = (), **more: Any) -> Home:
    return resolve(text, user, groups, **more).home


def by_template(template: str, **storage: str) -> str:
    """A user's rule with a template of the claim's name."""
    given = "".join(f", {key}: '{value}'" for key, value in storage.items())
    return f"users: {{ada: {{storage: {{dynamic: {{pvcNameTemplate: '{template}'}}{given}}}}}}}"


# --- kinds -------------------------------------------------------------------------------------------------


def test_the_built_in_home_is_kubespawners_claim() -> None:
    assert home("defaults: {}", server="lab") == Home(
        "dynamic",
        "claim-ada--lab",
        DEFAULT_IDENTITY,
        False,
        "server",
        "claim-{user_server}",
        VOLUME,
        "/home/jovyan",
        None,
        "claim-ada--lab",
    )


def test_a_dynamic_home_as_the_policy_says() -> None:
    text = """
        defaults:
          storage:
            homeMountPath: /home/me
            dynamic: {pvcNameTemplate: "home-{username}", volumeNameTemplate: "v-{username}", subPath: work}
        """
    named = "home-ada"
    assert home(text) == Home(
        "dynamic", named, "default", False, "user", "home-{username}", "v-ada", "/home/me", "work", named
    )


def test_a_static_home_is_a_given_claim_that_nobody_deletes() -> None:
    text = 'defaults: {storage: {type: static, static: {pvcName: nfs, subPath: "homes/{username}"}}}'
    assert home(text) == Home("static", "nfs", volume="home", mount_path="/home/jovyan", sub_path="homes/ada")


def test_a_static_home_needs_a_claim() -> None:
    with pytest.raises(Unusable, match="static, but no rule gives storage"):
        home("defaults: {storage: {type: static}}")
    with pytest.raises(Unusable, match="no rule gives"):
        home(
            "{defaults: {storage: {type: static, static: {pvcName: a}}}, "
            "users: {ada: {storage: {static: {pvcName: null}}}}}"
        )


def test_no_home() -> None:
    assert home("defaults: {storage: {type: none}}") == Home("none")


# --- KubeSpawner's own storage -----------------------------------------------------------------------------


CHART = own_layer(
    own("storage.type", "dynamic"),
    own("storage.capacity", "20Gi"),
    own("storage.homeMountPath", "/home/chart"),
    own("storage.dynamic.volumeNameTemplate", "volume-ada"),
    has_storage=True,
    claim="chart-ada",
    claim_template="chart-{username}",
    home_volume="volume-ada",
)


def test_own_storage_stays_where_the_policy_is_silent() -> None:
    environment = resolve("defaults: {extraEnv: {A: x}}", own=CHART)
    assert environment.home == Home("own", "chart-ada", "default", False, "user", "chart-{username}")
    assert environment.get("storage.capacity") == "20Gi"


def test_own_storage_is_remembered_as_the_default_home() -> None:
    found = home("defaults: {}", own=CHART, homes={"default": "older-ada"})
    assert (found.kind, found.claim, found.remembered) == ("own", "older-ada", True)


@pytest.mark.parametrize("storage", ["{extraVolumes: [{name: x, emptyDir: {}}]}", "{}"])
def test_other_volumes_leave_own_storage_alone(storage: str) -> None:
    assert home(f"defaults: {{storage: {storage}}}", own=CHART).kind == "own"


@pytest.mark.parametrize(
    "section",
    [
        "defaults: {storage: {capacity: 5Gi}}",
        "groups: {g: {storage: {extraLabels: {a: b}}}}",
        "users: {ada: {storage: {home: work}}}",
        "profiles: {p: {storage: {dynamic: {storageClass: fast}}}}",
        "profiles: {p: {options: {o: {choices: {c: {storage: {capacity: 5Gi}}}}}}}",
    ],
)
def test_a_rule_of_any_layer_that_speaks_of_the_home_replaces_own_storage(section: str) -> None:
    found = home(section, groups=["g"], own=CHART)
    assert (found.kind, found.claim, found.volume) == ("dynamic", "chart-ada", "volume-ada")
    assert found.mount_path == "/home/chart"
    assert found.claim_template == "chart-{username}"


def test_own_storage_of_a_given_claim_stays_static() -> None:
    layer = own_layer(own("storage.type", "static"), own("storage.static.pvcName", "nfs"), has_storage=True)
    found = home("defaults: {storage: {homeMountPath: /home/me}}", own=layer)
    assert (found.kind, found.claim, found.mount_path) == ("static", "nfs", "/home/me")


def test_own_storage_that_is_no_home_gets_one_beside_it() -> None:
    found = home("defaults: {storage: {capacity: 5Gi}}", own=own_layer(has_storage=True, claim="claim-ada"))
    assert (found.kind, found.claim, found.mount_path) == ("dynamic", "claim-ada", "/home/jovyan")


def test_own_template_is_used_until_a_policy_names_another() -> None:
    layer = own_layer(
        own("storage.dynamic.pvcNameTemplate", "x-{username}"), claim="x-ada", claim_template="x-{username}"
    )
    assert home("defaults: {}", own=layer).claim == "x-ada"
    found = home(by_template("y-{username}"), own=layer)
    assert (found.claim, found.claim_template) == ("y-ada", "y-{username}")


def test_null_goes_back_to_kubespawners_template() -> None:
    text = """
        defaults: {storage: {dynamic: {pvcNameTemplate: "x-{username}"}}}
        users: {ada: {storage: {dynamic: {pvcNameTemplate: null}}}}
        """
    found = home(text)
    assert (found.claim, found.identity) == ("claim-ada", "default")


# --- identity ----------------------------------------------------------------------------------------------


def test_a_name_from_built_in_kubespawner_or_defaults_is_the_default_home() -> None:
    assert home("defaults: {}").identity == "default"
    assert home("defaults: {}", own=CHART).identity == "default"
    text = 'defaults: {storage: {dynamic: {pvcNameTemplate: "x-{username}"}}}'
    assert home(text).identity == "default"


@pytest.mark.parametrize(
    "section",
    [
        "groups: {g: {storage: %s}}",
        "admins: {storage: %s}",
        "users: {ada: {storage: %s}}",
        "profiles: {p: {storage: %s}}",
    ],
)
def test_a_template_of_a_stronger_layer_is_a_home_of_its_own(section: str) -> None:
    text = section % "{dynamic: {pvcNameTemplate: 'x-{username}'}}"
    found = home(text, groups=["g"], admin=True)
    assert (found.claim, found.identity) == ("x-ada", "x-{username}")


def test_storage_home_names_the_home() -> None:
    found = home(by_template("x-{username}", home="work"))
    assert (found.claim, found.identity) == ("x-ada", "work")
    assert home("defaults: {storage: {home: main}}").identity == "main"


def test_storage_home_may_hold_placeholders() -> None:
    text = "profiles: {gpu: {storage: {home: 'for-{profile}'}}}"
    assert home(text).identity == "for-gpu"


def test_the_identity_has_group_match_and_profile_filled_in() -> None:
    text = """
        groups:
          "p:*": {storage: {dynamic: {pvcNameTemplate: "team-{match}-{group}-{profile}-{username}"}}}
        profiles: {gpu: {}}
        """
    found = home(text, groups=["p:a"])
    slug = safe_slug("p:a", 48)
    assert found.claim == f"team-a-{slug}-gpu-ada"
    assert found.identity == f"team-a-{slug}-gpu-{{username}}"


def test_the_identity_of_a_profiles_template_is_the_profiles() -> None:
    text = """
        profiles:
          a: {storage: {dynamic: {pvcNameTemplate: "{username}-{profile}"}}}
          b: {storage: {dynamic: {pvcNameTemplate: "{username}-{profile}"}}}
        """
    assert home(text, options={"profile": "a"}).identity == "{username}-a"
    assert home(text, options={"profile": "b"}).identity == "{username}-b"


def test_a_template_without_placeholders_is_its_own_identity() -> None:
    found = home(by_template("shared-home"))
    assert (found.claim, found.identity, found.scope) == ("shared-home", "shared-home", "shared")


def test_the_claim_and_the_identity_are_those_of_the_group_that_won() -> None:
    text = "groups: {'p:*': {storage: {dynamic: {pvcNameTemplate: 'team-{match}'}}}}"
    found = home(text, groups=["p:a", "p:b"])
    assert (found.claim, found.identity) == ("team-b", "team-b")


def test_odd_group_names_give_names_that_kubernetes_takes() -> None:
    text = "groups: {'p:*': {storage: {dynamic: {pvcNameTemplate: 'team-{match}'}}}}"
    slug = safe_slug("Ops & Co", 48)
    found = home(text, groups=["p:Ops & Co"])
    assert (found.claim, found.identity) == (f"team-{slug}", f"team-{slug}")


# --- remembered --------------------------------------------------------------------------------------------


def test_a_remembered_claim_wins_over_the_template() -> None:
    found = home(by_template("new-{username}", home="work"), homes={"work": "old-ada", "default": "x"})
    assert (found.claim, found.remembered) == ("old-ada", True)
    assert found.claim_template == "new-{username}"


def test_a_new_naming_scheme_in_defaults_keeps_the_default_home() -> None:
    text = 'defaults: {storage: {dynamic: {pvcNameTemplate: "new-{username}"}}}'
    found = home(text, homes={"default": "claim-ada"})
    assert (found.claim, found.remembered) == ("claim-ada", True)


def test_switching_profiles_switches_homes_and_back() -> None:
    text = """
        profiles:
          plain: {}
          gpu: {storage: {dynamic: {pvcNameTemplate: "gpu-{username}"}}}
        """
    homes = {"default": "claim-ada", "gpu-{username}": "gpu-ada"}
    assert home(text, homes=homes).claim == "claim-ada"
    assert home(text, homes=homes, options={"profile": "gpu"}).claim == "gpu-ada"


def test_another_identitys_claim_is_never_used() -> None:
    found = home(by_template("x-{username}"), homes={"default": "claim-ada", "work": "w"})
    assert (found.claim, found.remembered) == ("x-ada", False)


def test_a_remembered_name_need_not_follow_todays_rules() -> None:
    assert home(by_template("x-{username}", home="work"), homes={"work": "Old_Name"}).claim == "Old_Name"


def test_an_empty_memory_is_no_claim() -> None:
    found = home("defaults: {}", homes={"default": ""})
    assert (found.claim, found.remembered) == ("claim-ada", False)
    assert home("defaults: {}", own=CHART, homes={"default": ""}).claim == "chart-ada"


# --- scopes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "scope"),
    [
        ("claim-{username}", "user"),
        ("claim-{userid}", "user"),
        ("claim-{escaped_username}-{profile}", "user"),
        ("claim-{safe_username}", "user"),
        ("claim-{user_server}", "server"),
        ("claim-{safe_user_server}", "server"),
        ("claim-{username}-{servername}", "server"),
        ("claim-{servername}", "server"),
        ("{pod_name}", "server"),
        ("claim", "shared"),
        ("claim-{profile}", "shared"),
        ("{namespace}-{hubnamespace}", "shared"),
        ("team-{group}", "shared"),
        ("team-{match}-{username}", "shared"),
        ("team-{group}-{user_server}", "shared"),
        ("claim-{{username}}", "shared"),
    ],
)
def test_a_claim_may_be_deleted_with_whom_its_template_names(template: str, scope: str) -> None:
    assert scope_of(compile_text(template)) == scope


# --- names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("server", "found"), [("", "v-ada"), ("lab", "v-ada-lab")])
def test_an_empty_server_name_leaves_no_hyphen_at_the_end(server: str, found: str) -> None:
    text = "defaults: {storage: {dynamic: {volumeNameTemplate: 'v-{username}-{servername}'}}}"
    assert home(text, server=server).volume == found


def test_a_claims_name_ends_without_that_hyphen_too() -> None:
    text = "profiles: {p: {storage: {dynamic: {pvcNameTemplate: '{username}-{profile}-{hubnamespace}'}}}}"
    assert home(text).claim == "ada-p-hub"
    static = "defaults: {storage: {type: static, static: {pvcName: 'data-{escaped_user_server}'}}}"
    assert home(static).claim == "data-ada"
    assert home(static, server="lab").claim == "data-ada--lab"


def test_a_claims_name_that_kubernetes_would_refuse_is_unusable() -> None:
    text = f"defaults: {{storage: {{dynamic: {{pvcNameTemplate: 'x{'-{username}' * 6}'}}}}}}"
    with pytest.raises(Unusable, match="the claim's name 'x-uuu"):
        home(text, "u" * 48)
    with pytest.raises(Unusable, match="the claim's name 'Claim_Ada'"):
        home("defaults: {}", own=OwnLayer(claim="Claim_Ada"))
    static = f"type: static, static: {{pvcName: 'given{'-{username}' * 6}'}}"
    with pytest.raises(Unusable, match="the claim's name 'given-uuu"):
        home(f"defaults: {{storage: {{{static}}}}}", "u" * 48)


def test_a_volume_name_that_kubernetes_would_refuse_is_unusable() -> None:
    text = "defaults: {storage: {dynamic: {volumeNameTemplate: 'volume-of-{username}-{username}'}}}"
    with pytest.raises(Unusable, match="the volume's name 'volume-of-uuu"):
        home(text, "u" * 40)


def test_a_volume_name_may_be_removed() -> None:
    text = """
        defaults: {storage: {dynamic: {volumeNameTemplate: "v-{username}"}}}
        users: {ada: {storage: {dynamic: {volumeNameTemplate: null}}}}
        """
    assert home(text).volume == VOLUME


# --- {pvc_name} and {profile} in other strings -------------------------------------------------------------


@pytest.mark.parametrize(
    ("storage", "claim"),
    [
        ("{}", "claim-ada"),
        ("{dynamic: {pvcNameTemplate: 'x-{username}'}}", "x-ada"),
        ("{type: static, static: {pvcName: nfs}}", "nfs"),
        ("{type: none}", "claim-ada"),
    ],
)
def test_pvc_name_is_the_claim_of_this_home(storage: str, claim: str) -> None:
    environment = resolve(f"defaults: {{storage: {storage}, extraEnv: {{CLAIM: 'is {{pvc_name}}'}}}}")
    assert env(environment) == {"CLAIM": f"is {claim}"}


def test_pvc_name_is_the_remembered_claim() -> None:
    text = "defaults: {extraEnv: {CLAIM: '{pvc_name}'}}"
    assert env(resolve(text, homes={"default": "old"})) == {"CLAIM": "old"}
    assert env(resolve(text, own=CHART, homes={"default": "old"})) == {"CLAIM": "old"}
    assert env(resolve(text, own=CHART)) == {"CLAIM": "chart-ada"}


def test_pvc_name_may_stand_in_what_is_said_of_the_home() -> None:
    text = """
        defaults:
          storage:
            homeMountPath: "/home/{pvc_name}"
            extraLabels: {claim: "{pvc_name}"}
            dynamic: {pvcNameTemplate: "x-{username}"}
            extraVolumeMounts: [{name: home, mountPath: "/more/{pvc_name}"}]
        """
    environment = resolve(text)
    assert environment.home.mount_path == "/home/x-ada"
    assert keyed(environment, "storage.extraLabels") == {"claim": "x-ada"}
    assert list(keyed(environment, "storage.extraVolumeMounts")) == ["/more/x-ada"]


def test_pvc_name_may_stand_in_an_identity_alone() -> None:
    text = "profiles: {p: {storage: {extraVolumes: [{name: 'cache-{pvc_name}', emptyDir: {}}]}}}"
    assert list(keyed(resolve(text), "storage.extraVolumes")) == ["cache-claim-ada"]


def test_a_profiles_slug_stands_raw_in_variables_and_as_a_slug_in_names() -> None:
    text = """
        defaults:
          extraEnv: {PROFILE: "{profile}"}
          extraAnnotations: {example.org/profile: "{profile}"}
          extraLabels: {profile: "{profile}"}
        profiles:
          "GPU, large": {storage: {dynamic: {pvcNameTemplate: "{username}-{profile}"}}}
          small: {}
        """
    slug = safe_slug("GPU, large", 48)
    environment = resolve(text)
    assert env(environment) == {"PROFILE": "GPU, large"}
    assert keyed(environment, "extraAnnotations") == {"example.org/profile": "GPU, large"}
    assert keyed(environment, "extraLabels") == {"profile": slug}
    assert environment.home.claim == f"ada-{slug}"
    assert environment.home.identity == f"{{username}}-{slug}"
    assert keyed(resolve(text, options={"profile": "small"}), "extraLabels") == {"profile": "small"}


def test_without_profiles_the_profile_is_nothing() -> None:
    text = "defaults: {extraEnv: {PROFILE: 'is {profile}'}, extraLabels: {profile: '{profile}'}}"
    environment = resolve(text)
    assert env(environment) == {"PROFILE": "is "}
    assert keyed(environment, "extraLabels") == {"profile": ""}
