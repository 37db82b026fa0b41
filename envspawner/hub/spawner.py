"""EnvSpawner: KubeSpawner, with what each user gets decided by a policy."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timezone
from functools import partial
from typing import Any, ClassVar

from traitlets.config import Config

from ..pod.literal import Literal
from ..pod.traits import traits_of
from ..policy.problems import Place
from ..resolve.access import Refusal
from ..resolve.home import Unusable
from ..resolve.request import Person, SpawnRequest
from ..resolve.result import ResolvedEnvironment
from . import homes
from .expansion import Names, fill, is_plain
from .homekeeping import HomeKeepingSpawner
from .own import own_layer, settle
from .refusals import BAD_REQUEST, CONFLICT, FORBIDDEN, refused
from .report import log_line
from .settings import PolicySettings
from .store import POLICY_TRAITS, Loaded, policy_of

_STATUS = {"options-invalid": BAD_REQUEST}


class EnvSpawner(PolicySettings, HomeKeepingSpawner):
    """A KubeSpawner that reads a policy of images, variables, resources, storage and starter files.

    Without a policy it is KubeSpawner. The policy is what `PolicySettings` holds; it is checked when the hub
    starts, and a wrong one stops the hub.
    """

    own_places: ClassVar[Mapping[str, Place]] = {}
    """Where the settings of KubeSpawner stand in a file; known to the commands only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
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

    async def _make_create_pod_request(self, pod: Any, request_timeout: float) -> bool:
        """KubeSpawner logs a pod that is refused, with tokens and variables in clear: only its name is told."""
        pod.to_str = lambda: f"pod {pod.metadata.name}"
        return bool(await super()._make_create_pod_request(pod, request_timeout))
