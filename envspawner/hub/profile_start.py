"""The policy of one start: with the `profile_list` that holds then, and with what only a start can call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, NamedTuple

from jupyterhub.utils import maybe_future
from tornado.web import HTTPError
from traitlets import TraitError
from traitlets.log import get_logger

from ..policy.fields import FIELDS
from ..policy.problems import Fault
from ..policy.rules import Choice, Option, Policy, Rule, Setting
from ..resolve.access import Selection
from ..resolve.home import Unusable
from ..resolve.merge import updated
from ..resolve.request import OwnLayer, SpawnRequest
from ..resolve.resolver import Resolver
from ..resolve.typed import Typed, typed
from .defaults import is_unset
from .opaque import opaque
from .own import PLACE, SOURCE
from .profile_list import Override, ProfileList, profiles_of
from .profile_overrides import settings_of
from .profile_reading import Reader
from .profile_traits import Traits
from .store import Loaded

_OVERRIDE: Final = FIELDS["kubespawnerOverride"]
_NO_POLICY: Final = Resolver(Policy("", built_in=False))
_KEPT: Final = 16


async def policy_now(spawner: Any, loaded: Loaded | None) -> Now | None:
    """The policy for one start or one form of a spawner; None where neither policy nor profiles are configured.

    What counts is the trait `profile_list`, which a hook may have set; a callable is called with the spawner.
    Raises Unusable, and whatever a callable raises on purpose: an HTTPError, or what has a `jupyterhub_message`.
    """
    if loaded is not None and not loaded.profile_list and is_unset(spawner, "profile_list"):
        return Now(loaded.resolver, loaded.listed)
    listed = spawner.profile_list
    if callable(listed):
        listed = await _called(listed, spawner, "c.KubeSpawner.profile_list")
    elif loaded is not None and listed == loaded.profile_list:
        return Now(loaded.resolver, loaded.listed)
    if not listed:
        if loaded is None or not loaded.profile_list:
            return None if loaded is None else Now(loaded.resolver)
        return Now(loaded.resolver.offering(()))
    base = _NO_POLICY if loaded is None else loaded.resolver
    if base.policy.profiles and (loaded is None or loaded.listed is None):
        raise Unusable("profile_list was set beside the profiles of the policy")
    traits = Traits(type(spawner), bounded=base.policy.built_in)
    return _read(listed, base, traits, strict=not callable(spawner.profile_list))


class Now(NamedTuple):
    """A policy as it is at one start. listed: the list that its profiles come from, if they do."""

    resolver: Resolver
    listed: ProfileList | None = None

    async def settled(
        self, spawner: Any, request: SpawnRequest, selection: Selection
    ) -> tuple[SpawnRequest, Selection]:
        """A request and a selection ready to be resolved: overrides called, and the mappings beneath them known.

        Raises Unusable, and what a callable raises on purpose.
        """
        if self.listed is None or selection.profile is None:
            return request, selection
        rules = [selection.profile.rule, *(choice.rule for _, choice in selection.choices)]
        if any(self.listed.overrides[rule.source].calls for rule in rules):
            rules = await self._called(spawner, rules)
            selection = _with_rules(selection, rules)
        return with_own(request, held_beneath(spawner, rules)), selection

    async def _called(self, spawner: Any, rules: list[Rule]) -> list[Rule]:
        """The rules with what their callables return.

        As in KubeSpawner, each is called with a spawner that has what earlier overrides set.
        """
        assert self.listed is not None
        found = []
        try:
            for rule in rules:
                override = self.listed.overrides[rule.source]
                values: dict[Any, Any] = {}
                for name, value in override.values.items():
                    if callable(value):
                        value = await _called(value, spawner, f"{rule.source}.{name}")
                    values[name] = value
                    _apply(spawner, self.listed.traits.renamed(name), value)
                found.append(self._rule(rule, override, values) if override.calls else rule)
        finally:
            spawner._restore()
        return found

    def _rule(self, rule: Rule, override: Override, values: Mapping[Any, Any]) -> Rule:
        assert self.listed is not None
        reader = Reader(self.listed.source, self.listed.above)
        settings = settings_of(values, self.listed.traits, reader, override.loc, typed=override.typed)
        _check(reader.errors)
        return replace(rule, settings=tuple(settings))


class _Read(NamedTuple):
    """A list that was read. listed: a copy, since its function may change its list later."""

    base: Resolver
    traits: Traits
    strict: bool
    listed: Any
    now: Now


_recent: list[_Read] = []
"""What functions returned lately, the latest first: most return the same list to everybody, or one of a few."""


def _read(listed: Any, base: Resolver, traits: Traits, *, strict: bool) -> Now:
    for one in _recent:
        if one.base is base and (one.traits, one.strict, one.listed) == (traits, strict, listed):
            return one.now
    found = profiles_of(listed, traits, strict=strict)
    _check(found.errors)
    for warning in found.warnings:
        get_logger().warning("%s", warning)
    now = Now(base.offering(found.profiles), found)
    _recent.insert(0, _Read(base, traits, strict, _kept_apart(listed), now))
    del _recent[_KEPT:]
    return now


def _kept_apart(value: Any) -> Any:
    """The same in containers of its own. What else is in it, such as callables, is left as it is."""
    if isinstance(value, Mapping):
        return {key: _kept_apart(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        kept = map(_kept_apart, value)
        return tuple(kept) if isinstance(value, tuple) else list(kept)
    return set(value) if isinstance(value, set) else value


def forget() -> None:
    """Lets go of what was read above a policy that is no longer in force."""
    _recent.clear()


async def _called(function: Callable[[Any], Any], spawner: Any, source: str) -> Any:
    try:
        return await maybe_future(function(spawner))
    except HTTPError:
        raise
    except Exception as error:
        if hasattr(error, "jupyterhub_message"):
            raise
        raise Unusable(f"{source} raised {type(error).__name__}: {error}") from error


def _apply(spawner: Any, name: str, value: Any) -> None:
    """Sets a trait for the callables that follow; what it does not take is told when the rule is made."""
    held = getattr(spawner, name, None)
    if isinstance(value, Mapping) and isinstance(held, Mapping):
        value = updated(held, value)
    with suppress(TraitError):
        spawner._assign({name: value})


def _check(errors: Any) -> None:
    if errors:
        raise Unusable("; ".join(map(str, errors)))


def _with_rules(selection: Selection, rules: list[Rule]) -> Selection:
    assert selection.profile is not None
    choices: list[tuple[Option, Choice | Typed]] = []
    for (option, choice), rule in zip(selection.choices, rules[1:], strict=True):
        if not isinstance(choice, Typed):
            choices.append((option, replace(choice, rule=rule)))
        elif choice.rule is rule:
            choices.append((option, choice))
        else:
            try:
                choices.append((option, typed(replace(choice.other, rule=rule), choice.value)))
            except Fault as fault:
                raise Unusable(f"{rule.source}: {fault.message}") from None
    return Selection(replace(selection.profile, rule=rules[0]), tuple(choices))


def held_beneath(spawner: Any, rules: Iterable[Rule]) -> list[Setting]:
    """The mappings that KubeSpawner holds beneath those that overrides put into them."""
    held = {name: getattr(spawner, name, None) for name in sorted(put_into(rules))}
    return [
        opaque(_OVERRIDE.path, value, PLACE, name)
        for name, value in held.items()
        if isinstance(value, Mapping) and value
    ]


def put_into(rules: Iterable[Rule]) -> set[str]:
    """The traits, without a key of their own in a policy, into which rules of a `profile_list` put a mapping."""
    return {str(s.key) for rule in rules for s in rule.settings if s.field is _OVERRIDE and s.deep}


def with_own(request: SpawnRequest, more: Sequence[Setting]) -> SpawnRequest:
    """The request with more in KubeSpawner's own layer."""
    return request._replace(own=with_more(request.own, more)) if more else request


def with_more(own: OwnLayer, more: Sequence[Setting]) -> OwnLayer:
    """The same layer with more settings."""
    rule = own.rule or Rule(SOURCE, PLACE)
    return own._replace(rule=replace(rule, settings=(*rule.settings, *more)))
