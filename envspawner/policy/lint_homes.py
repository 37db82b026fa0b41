"""What only a look at several rules tells of homes and starter files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from .environment import INIT_CONTAINER
from .problems import Place, Problem
from .rules import Policy, Profile, Rule, Setting
from .templates import SERVER, Template

HOME_PATH: Final = "/home/jovyan"
_COPY: Final = "copyOnce"
_HOOK: Final = "lifecycleHooks.postStart"
_SELECTOR: Final = "nodeSelector"


def setting_of(rule: Rule, path: str) -> Setting | None:
    """What a rule says of a field that holds one value."""
    for setting in rule.settings:
        if setting.field.path == path:
            return setting
    return None


# --- starter files -----------------------------------------------------------------------------------------------


def copies_beside_hooks(policy: Policy) -> Iterator[Problem]:
    """Starter files and a hook that cannot be joined with them: as `contradictions_in` says of one block.

    Between a profile and its choice nothing comes but another option, so that is an error. Between `defaults` and
    anything else other rules may come: a warning.
    """
    for profile in policy.profiles:
        for rule in (rule for option in profile.options for rule in option.rules):
            yield from _copy_beside_hook(profile.rule, rule, warning=False)
    for rule in policy.rules():
        if policy.defaults is not None and rule is not policy.defaults:
            yield from _copy_beside_hook(policy.defaults, rule, warning=True)


def _copy_beside_hook(beneath: Rule, above: Rule, *, warning: bool) -> Iterator[Problem]:
    for path, other in ((_COPY, _HOOK), (_HOOK, _COPY)):
        ours, theirs = setting_of(above, path), setting_of(beneath, other)
        if ours is None or theirs is None or setting_of(above, other) is not None:
            continue
        copy, hook = (ours, theirs) if path == _COPY else (theirs, ours)
        if _in_hook(copy) and hook.value and "exec" not in hook.value:
            message = f"cannot be joined with the {other} of {theirs.place}"
            hint = "make the hook an exec hook, or write when: initContainer in copyOnce"
            yield Problem(ours.place, f"{above.source}.{path}", message, hint, warning=warning)


def _in_hook(copy: Setting) -> bool:
    return any(entry.get("when") != INIT_CONTAINER for entry in copy.value or ())


def copies_outside(policy: Policy) -> Iterator[Problem]:
    """Init containers that would copy to where no rule has a home: their files would be gone when they end."""
    rules = policy.rules()
    said = [found for found in (setting_of(rule, "storage.homeMountPath") for rule in rules) if found]
    in_defaults = policy.defaults is not None and setting_of(policy.defaults, "storage.homeMountPath")
    homes = [setting.value for setting in said] + ([] if in_defaults else [HOME_PATH])
    if not all(isinstance(home, str) for home in homes):
        return  # a placeholder may be filled in with anything
    for rule in rules:
        copy = setting_of(rule, _COPY)
        for index, entry in enumerate((copy.value if copy is not None else None) or ()):
            target = entry.get("to")
            if entry.get("when") != INIT_CONTAINER or not isinstance(target, str):
                continue
            if copy is not None and not any(lies_in(target, home) for home in homes):
                message = f"an init container can copy to the home only, and {target} is not in it"
                hint = f"write a folder below {homes[0]}, or when: postStart"
                yield Problem(copy.place, f"{rule.source}.{_COPY}[{index}].to", message, hint)


def lies_in(path: str, folder: str) -> bool:
    """Whether a path is a folder or below it."""
    return f"{path.rstrip('/')}/".startswith(f"{folder.rstrip('/')}/")


# --- homes -------------------------------------------------------------------------------------------------------


def owner_without_effect(rule: Rule, kind: Setting | None) -> Iterator[Problem]:
    """kind: the type of storage that holds for a rule, if any says."""
    owner = setting_of(rule, "storage.owner")
    if owner is not None and owner.value is not None and (kind is None or kind.value != "static"):
        message = "has no effect while the type is not static"
        hint = "write type: static; the folder of a claim of one's own is given to fsGid"
        yield Problem(owner.place, f"{rule.source}.storage.owner", message, hint, warning=True)


class _Pick(NamedTuple):
    """What a user can pick, as far as profile, choice and `defaults` say."""

    rule: Rule
    claim: tuple[str, str | None]
    node: frozenset[tuple[str, Any]]


def claims_on_two_nodes(policy: Policy) -> Iterator[Problem]:
    """Claims of one node (ReadWriteOnce) that all servers of a user share, though profiles run on different nodes.

    Rules of people hold for all servers of a user alike.
    """
    picks = [pick for profile in policy.profiles for pick in _picks(policy.defaults, profile)]
    told: set[Place] = set()
    for pick in picks:
        setting = setting_of(pick.rule, _SELECTOR)
        other = next((one for one in picks if one.claim == pick.claim and one.node != pick.node), None)
        if setting is None or other is None or setting.place in told:
            continue
        told.add(setting.place)
        message = (
            f"all servers of a user share the claim {pick.claim[0]}, which one node mounts at a time: beside one of "
            f"{other.rule.source}, a server of these nodes waits for ever"
        )
        hint = (
            "write {user_server} in pvcNameTemplate, give the profile a home of its own, or use ReadWriteMany"
        )
        yield Problem(setting.place, f"{pick.rule.source}.{_SELECTOR}", message, hint, warning=True)


def _picks(defaults: Rule | None, profile: Profile) -> Iterator[_Pick]:
    beneath = [rule for rule in (defaults, profile.rule) if rule is not None]
    choices = [[rule] for option in profile.options for rule in option.rules]
    for layers in ([], *choices):
        rules = [*beneath, *layers]
        claim = _shared_claim(rules, profile.slug)
        if claim is not None:
            yield _Pick(rules[-1], claim, frozenset(_selector(rules).items()))


def _shared_claim(rules: Sequence[Rule], profile: str) -> tuple[str, str | None] | None:
    """The template of the claim (and the name of the home) that all servers of a user mount on one node."""
    kind, modes = _last(rules, "storage.type"), _last(rules, "storage.dynamic.storageAccessModes")
    template = _last(rules, "storage.dynamic.pvcNameTemplate")
    if kind not in (None, "dynamic") or template is None or not {"ReadWriteOnce"} >= set(modes or ()):
        return None
    names = template.names if isinstance(template, Template) else frozenset()
    if names & (SERVER | {"pod_name"}):
        return None
    home = _last(rules, "storage.home")
    text = template.text if isinstance(template, Template) else str(template)
    return text.replace("{profile}", profile), None if home is None else str(home)


def _last(rules: Sequence[Rule], path: str) -> Any:
    found = [setting for setting in (setting_of(rule, path) for rule in rules) if setting is not None]
    return found[-1].value if found else None


def _selector(rules: Sequence[Rule]) -> Mapping[str, Any]:
    """The node selector that rules make, weakest first; a value may be null or hold placeholders."""
    found: dict[str, Any] = {}
    for rule in rules:
        for setting in rule.settings:
            if setting.field.path != _SELECTOR:
                continue
            if setting.key is None:
                found = {}
            else:
                found = {**found, str(setting.key): setting.value}
    return {key: value for key, value in found.items() if value is not None}
