"""EnvSpawner: KubeSpawner, with what each user gets decided by a policy."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timezone
from functools import lru_cache, partial
from typing import Any, ClassVar

from jupyterhub.utils import exponential_backoff
from kubespawner import KubeSpawner
from traitlets import Dict, Undefined, Unicode
from traitlets.config import Config

from ..pod.literal import Literal
from ..pod.traits import traits_of
from ..policy.problems import Place
from ..policy.templates import KNOWN, Template, compile_text
from ..resolve.access import Refusal
from ..resolve.home import Home, Unusable
from ..resolve.request import Person, SpawnRequest
from ..resolve.result import ResolvedEnvironment
from . import homes
from .expansion import Names, fill, is_plain
from .own import own_layer, settle
from .refusals import BAD_REQUEST, CONFLICT, FORBIDDEN, refused
from .report import log_line
from .store import POLICY_TRAITS, Loaded, policy_of

_NOT_KUBESPAWNERS = frozenset({"profile", "group", "match", "value"})
_SCALARS = frozenset({str, int, float, bool})
_STATUS = {"options-invalid": BAD_REQUEST}


@lru_cache(maxsize=1024)
def _is_foreign(claim_template: str) -> bool:
    """Whether a template names what KubeSpawner does not know, so that it cannot expand it."""
    compiled = compile_text(claim_template)
    names = compiled.names if isinstance(compiled, Template) else frozenset()
    return bool(names & _NOT_KUBESPAWNERS) or not names <= KNOWN


class EnvSpawner(KubeSpawner):  # type: ignore[misc]
    """A KubeSpawner that reads a policy of images, variables, resources, storage and starter files.

    Without a policy it is KubeSpawner. The policy is the traits below and `policy_file` together; it is checked
    when the hub starts, and a wrong one stops the hub.
    """

    policy_file = Unicode(
        "",
        config=True,
        help="""
        Path of a YAML file with a policy.

        Its sections are `defaults`, `groups`, `admins`, `users` and `profiles`, as in the traits of the same
        names; an entry may stand in the file or in a trait, not in both. Check it with `envspawner check FILE`
        before you hand it to the hub: a wrong policy stops the hub at its start.
        """,
    )
    defaults = Dict(
        config=True,
        help="""
        What everybody gets, in the words of the `singleuser` block of the Zero to JupyterHub chart, e.g.::

            c.EnvSpawner.defaults = {
                "image": {"name": "quay.io/jupyter/scipy-notebook", "tag": "2026-11-02"},
                "memory": {"guarantee": "1G", "limit": "2G"},
                "storage": {"capacity": "10Gi"},
            }

        With `atMost` and `atLeast` it also bounds what stronger layers may give.
        """,
    )
    groups = Dict(
        config=True,
        help="""
        Rules by JupyterHub group; `*` in a name stands for any characters, and `{match}` for what it stood for.

        Of several groups of a user, the largest memory, CPU, capacity and extended resource holds; of everything
        else, what the group written later says.
        """,
    )
    admins = Dict(
        config=True,
        help="""
        A rule for servers whose owner is a hub admin. Stronger than groups, weaker than `users`.
        """,
    )
    users = Dict(
        config=True,
        help="""
        Rules by user name. Stronger than everything but what the user picks, and than bounds.
        """,
    )
    profiles = Dict(
        config=True,
        help="""
        What users pick from when they start a server, by a short name; in the order in which they are shown.

        `allow` says for whom a profile or a choice is: whoever it does not admit is neither shown it nor given
        it when asking for it by the REST API. Replaces `c.KubeSpawner.profile_list`; both together are an error.
        """,
    )

    own_places: ClassVar[Mapping[str, Place]] = {}
    """Where the settings of KubeSpawner stand in a file; known to the commands only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._homes: homes.Homes = {}
        self._known_homes: homes.Homes = {}
        self._home: Home | None = None
        self._assigned: dict[str, tuple[Any, Any]] = {}
        self._names = Names()
        super().__init__(*args, **kwargs)
        self._saved_options: Any = self.user_options  # what differs from these at a start was chosen for it
        self._loaded: Loaded | None = policy_of(self.config, self.section_names())

    def _find_my_config(self, cfg: Config) -> Any:
        """Without the policy: traitlets would copy all of it into every spawner."""
        found = super()._find_my_config(cfg)
        for name in POLICY_TRAITS:
            found.pop(name, None)
        return found

    # --- strings -------------------------------------------------------------------------------------------------

    def _expand_user_properties(self, template: str, slug_scheme: str | None = None) -> str:
        """As KubeSpawner does; a policy's own strings are complete, and text without braces needs no names."""
        if isinstance(template, Literal):
            return str(template)
        if is_plain(template):
            return template
        scheme = self.slug_scheme if slug_scheme is None else slug_scheme
        return self._names.expand(self, template, scheme, super()._expand_user_properties)

    def format_string(self, s: str) -> str:
        return str(s) if isinstance(s, Literal) else str(super().format_string(s))

    # --- a start -------------------------------------------------------------------------------------------------

    async def _run_apply_user_options(self, user_options: Any) -> None:
        """JupyterHub reads `start_timeout` before `start()` has run, so it is resolved here.

        A refusal is left to `load_user_options`, which every start goes through.
        """
        if self._loaded is None or self.apply_user_options:
            await super()._run_apply_user_options(user_options)
        if self._loaded is None:
            return
        try:
            environment = self._loaded.resolver.resolve(await self.request(), user_options)
        except (Refusal, Unusable):
            return
        timeout = environment.get("startTimeout")
        if timeout is not None:
            self._assign({"start_timeout": timeout})

    async def load_user_options(self) -> None:
        """Resolves the policy for this user and these options, and sets KubeSpawner's traits by it.

        Called by `KubeSpawner._start` before the claim and the pod are made. Raises what JupyterHub shows as
        403 or 400 when the options are not this user's.
        """
        if self._loaded is None:
            await super().load_user_options()
            return
        self._restore()
        request = await self.request()
        try:
            environment = self._resolve(request)
            traits = traits_of(environment, request.own)
        except Refusal as refusal:
            self._forget_options()
            status = _STATUS.get(refusal.reason, FORBIDDEN)
            raise refused(refusal.reason, refusal.message, refusal.detail, status) from None
        except Unusable as error:
            message = "Your server cannot be made as the rules for you say. Tell the people who run this hub."
            raise refused("policy-unusable", message, str(error), CONFLICT) from None
        self._assign(traits)
        self._use_home(environment.home)
        settle(self)
        if self.log.isEnabledFor(logging.INFO):
            self.log.info("%s", log_line(self, environment))
        self.environment_resolved(environment)

    def _resolve(self, request: SpawnRequest) -> ResolvedEnvironment:
        """What this start gets; a choice that was saved and is no longer valid falls back to the default."""
        assert self._loaded is not None
        resolver = self._loaded.resolver
        try:
            return resolver.resolve(request, self.user_options)
        except Refusal as refusal:
            if not self._saved_options or self.user_options != self._saved_options:
                raise
            self.log.warning("%s: the saved choice is no longer valid: %s", self._log_name, refusal)
        return resolver.resolve(request, {})

    def _forget_options(self) -> None:
        """JupyterHub saves options before they are checked, and the next start would use them again."""
        self.user_options = self._saved_options
        if self.orm_spawner is not None:
            self.orm_spawner.user_options = self._saved_options
            self.db.commit()

    def environment_resolved(self, environment: ResolvedEnvironment) -> None:
        """Called with what a start resolved to; for subclasses."""

    async def request(self) -> SpawnRequest:
        """What is known about this start: who, when, above which traits, with which homes."""
        secrets = self._loaded is not None and self._loaded.policy.uses_auth_state
        auth_state = await self._auth_state() if secrets else {}
        names = self._names.now(self, self.slug_scheme, super()._expand_user_properties)
        groups = frozenset(group.name for group in self.user.groups)
        person = Person(names["unescaped_username"], groups, bool(self.user.admin))
        own = own_layer(self, partial(self._expanded, names), self.own_places)
        shared = homes.shared_by(self._sibling_homes())
        self._known_homes = shared | self._homes
        del names["pvc_name"]  # the claim is what is resolved
        words = {**names, "userid": str(names["userid"])}
        mine, others = homes.claims(self._homes), homes.claims(shared)
        return SpawnRequest(person, self._now(), words, own, mine, auth_state, others)

    def _expanded(self, names: Mapping[str, Any], template: str) -> str:
        """A template of KubeSpawner's, filled with names that hold now."""
        try:
            return template if is_plain(template) else fill(template, names)
        except KeyError:
            return self._expand_user_properties(template)

    def _now(self) -> datetime:
        return datetime.now(timezone.utc)

    async def _auth_state(self) -> dict[str, Any] | None:
        """The user's auth state; empty where there is none. None would mean that nobody knows it."""
        return await self.user.get_auth_state() or {}

    def _assign(self, traits: dict[str, Any]) -> None:
        """Sets traits to new values, so that their validators run, and remembers what was there before."""
        held = self._trait_values  # what getattr would give, without making defaults
        for name, value in traits.items():
            there = held.get(name, Undefined)
            if type(value) in _SCALARS and type(there) is type(value) and there == value:
                continue
            base = self._assigned[name][0] if name in self._assigned else there
            setattr(self, name, value)
            self._assigned[name] = (base, held[name])

    def _restore(self) -> None:
        """Puts traits back that the last start set, unless somebody has set them since."""
        for name, (base, ours) in self._assigned.items():
            if getattr(self, name) is ours:
                setattr(self, name, self.trait_defaults(name) if base is Undefined else base)
        self._assigned.clear()

    def clear_state(self) -> None:
        """JupyterHub calls this before the hooks of every start, which must see the configuration's values."""
        self._restore()
        super().clear_state()

    # --- homes ---------------------------------------------------------------------------------------------------

    def _use_home(self, home: Home) -> None:
        """Tells KubeSpawner which claim to make or to take: never one that another home left behind."""
        self._home = home
        if home.kind not in ("dynamic", "own"):
            return
        assert home.claim is not None
        assert home.claim_template is not None
        template = home.claim if _is_foreign(home.claim_template) else home.claim_template
        self._assign({"pvc_name_template": template})
        self.pvc_name = home.claim
        self._pvc_exists = home.remembered

    def _sibling_homes(self) -> list[homes.Homes]:
        """What this user's other servers remember."""
        found = []
        for name, orm_spawner in getattr(self.user, "orm_spawners", {}).items():
            if name != self.name and orm_spawner.state:
                found.append(homes.load_homes(orm_spawner.state, self._base_template()))
        return found

    def _base_template(self) -> str:
        """The configured template, also while a start has set another one."""
        base = self._assigned.get("pvc_name_template", (self.pvc_name_template,))[0]
        return str(self.trait_defaults("pvc_name_template") if base is Undefined else base)

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        remembered = state if self.remember_pvc_name else {**state, "pvc_name": None}
        template = self._base_template()
        self._homes = homes.load_homes(remembered, template, self._expand_user_properties(template))

    def get_state(self) -> dict[str, Any]:
        """KubeSpawner's state and the homes; `pvc_name` is always the default home's, as KubeSpawner alone would."""
        state: dict[str, Any] = super().get_state()
        home = self._home
        if home is not None and home.identity is not None and self._pvc_exists:
            # With whom a claim goes was settled when it was made, whatever its template is called now.
            kept = self._known_homes.get(home.identity)
            scope = kept["scope"] if kept and kept["claim"] == self.pvc_name else home.scope
            self._homes[home.identity] = {"claim": self.pvc_name, "scope": scope}
        if self._homes:
            state[homes.KEY] = {identity: dict(kept) for identity, kept in self._homes.items()}
            default = self._homes.get("default")
            state.pop("pvc_name", None)
            if default is not None:
                state["pvc_name"] = default["claim"]
        return state

    async def delete_forever(self) -> None:
        """Deletes the claims that go with this server, or with its user: never one that others may use."""
        siblings = self._sibling_homes()
        if self._loaded is None and not self._homes and not any(siblings):
            await super().delete_forever()
            return
        if not self.delete_pvc:
            self.log.info("Not deleting the homes of %s: delete_pvc is off", self._log_name)
            return
        for claim in homes.going(self._homes, siblings, alone=bool(self.name)):
            await self._delete_claim(claim)

    async def _make_create_pvc_request(self, pvc: Any, request_timeout: float) -> bool:
        """KubeSpawner takes a claim that is there already as made; it may be somebody else's.

        The claim is read once, when it is not remembered yet. Raises a refusal (`home-foreign`).
        """
        made = bool(await super()._make_create_pvc_request(pvc, request_timeout))
        if made and self._home is not None and self._home.kind == "dynamic" and self._home.scope != "shared":
            name = pvc.metadata.name
            claim = await self.api.read_namespaced_persistent_volume_claim(name, self.namespace)
            owner = (claim.metadata.annotations or {}).get("hub.jupyter.org/username", self.user.name)
            if owner != self.user.name:
                message = "Your home cannot be mounted. Tell the people who run this hub."
                detail = f"the claim {name} is of user {owner!r}, not of {self.user.name!r}"
                raise refused("home-foreign", message, detail, CONFLICT)
        return made

    async def _make_create_pod_request(self, pod: Any, request_timeout: float) -> bool:
        """KubeSpawner logs a pod that is refused, with tokens and variables in clear: only its name is told."""
        pod.to_str = lambda: f"pod {pod.metadata.name}"
        return bool(await super()._make_create_pod_request(pod, request_timeout))

    async def _delete_claim(self, claim: str) -> None:
        await exponential_backoff(
            partial(self._make_delete_pvc_request, claim, self.k8s_api_request_timeout),
            f"Could not delete pvc {claim}",
            timeout=self.k8s_api_request_retry_timeout,
        )
