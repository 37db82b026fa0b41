"""EnvSpawner: KubeSpawner, with what each user gets decided by a policy."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import partial
from time import perf_counter
from typing import Any, ClassVar, TypeVar

from kubernetes_asyncio.client.rest import ApiException
from traitlets import Any as AnyTrait
from traitlets import default, validate
from traitlets.config import Config

from ..pod.copying import copies_of
from ..pod.init_containers import complete
from ..pod.traits import VALUES_ANNOTATION, traits_of
from ..policy.problems import Place
from ..resolve.access import Refusal
from ..resolve.home import Unusable
from ..resolve.record import written
from ..resolve.request import Person, SpawnRequest
from ..resolve.result import ResolvedEnvironment
from . import form, homes
from .auth_state import AuthStateUnreadable, auth_state_of
from .defaults import settle
from .expansion import orm_user
from .growing import grow_home
from .homekeeping import HomeKeepingSpawner
from .measures import RESOLVE_SECONDS
from .models import share_configuration
from .own import own_layer
from .profile_start import Now, policy_now
from .progress import NO_LONGER_OFFERED, Told, opening
from .refusals import refused
from .rejections import rejection
from .report import log_line
from .sent import guard_storage, is_storable
from .settings import PolicySettings
from .stale import is_stale
from .store import POLICY_TRAITS, Loaded, policy_of

T = TypeVar("T")


class EnvSpawner(PolicySettings, HomeKeepingSpawner):
    """A KubeSpawner that reads a policy of images, variables, resources, storage and starter files.

    Without a policy it is KubeSpawner. The policy is what `PolicySettings` holds; it is checked when the hub
    starts, and a wrong one stops the hub.
    """

    user_options = AnyTrait(help="What the user chose, as KubeSpawner has it; `{}` where no object was sent.")

    own_places: ClassVar[Mapping[str, Place]] = {}
    """Where the settings of KubeSpawner stand in a file; known to the commands only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._sent_options: Any = {}
        self._told = Told()
        self._notices: list[str] = []  # for the user of this start
        self._record: Callable[[], str] | None = None  # makes what the pod says of this start
        self._pinned: tuple[Loaded | None, ...] = ()  # the policy of a start that goes on
        self._sections = self.section_names()
        super().__init__(*args, **kwargs)
        self._saved_options: Any = self.user_options  # what differs from these at a start was chosen for it
        if self._loaded is not None or self.profile_list:
            guard_storage()

    @property
    def _loaded(self) -> Loaded | None:
        """The policy of the start that goes on, else the one in force."""
        if self._pinned:
            return self._pinned[0]
        return policy_of(self.config, self._sections, spawner_class=type(self))

    def _find_my_config(self, cfg: Config) -> Any:
        """Without the policy, since traitlets would copy all of it into every spawner; the rest cheap to copy."""
        found = super()._find_my_config(cfg)
        for name in POLICY_TRAITS:
            found.pop(name, None)
        share_configuration(found.values())
        return found

    # --- what users sent -----------------------------------------------------------------------------------------

    @default("user_options")
    def _no_options(self) -> dict[str, Any]:
        return {}

    @validate("user_options")
    def _object_or_nothing(self, proposal: Any) -> Any:
        """Hooks and pages see an object of a fair size; what was sent is judged at the start (`_sent_options`)."""
        self._sent_options = proposal["value"]
        return (is_storable(self._sent_options) and self._sent_options) or {}

    def _forget_options(self) -> None:
        """JupyterHub saves options before they are checked, and the next start would use them again."""
        self.user_options = self._saved_options
        if self.orm_spawner is not None:
            self.orm_spawner.user_options = self._saved_options
            self.db.commit()

    @default("options_form")
    def _options_form_default(self) -> Any:
        """A callable, since what is offered changes with the person and with time; none where there is no choice."""
        loaded = self._loaded
        listed = loaded is not None and (loaded.policy.profiles or loaded.file)  # a file may get some
        return form.render if listed or self.profile_list else ""

    # --- a start -------------------------------------------------------------------------------------------------

    async def _run_apply_user_options(self, user_options: Any) -> None:
        """Refuses what is not this user's before any hook runs, and resolves `start_timeout`.

        JupyterHub reads that one before `start()` has run. `load_user_options` judges again, by what holds then.
        """
        self._pinned = ()
        self._pinned = (self._loaded,)
        now = await self._policy_now()
        if now is None:
            await super()._run_apply_user_options(user_options)
            return
        if self.apply_user_options:
            request = await self.request()
            with self._refusing():
                held = self._decide(lambda options: now.resolver.select(request, options) and options)
            # Nothing where a saved choice is no longer valid.
            await super()._run_apply_user_options(held or {})
        request = await self.request()
        with self._refusing():
            if not now.resolver.sets_start_timeout:
                self._decide(partial(now.resolver.select, request))
                return
            timeout = self._decide(partial(now.resolver.resolve, request)).get("startTimeout")
        if timeout is not None:
            self._assign({"start_timeout": timeout})

    def forget_start(self) -> None:
        """Puts away what a start that failed may have left: its traits, and the policy that it began with."""
        self._restore()
        self._pinned = ()

    async def load_user_options(self) -> None:
        """Resolves the policy for this user and these options, and sets KubeSpawner's traits by it.

        Called by `KubeSpawner._start` before the claim and the pod are made. Raises what JupyterHub shows as
        a 4xx when the options are not this user's, or the rules for this user cannot hold together.
        A policy that changes while a start goes on counts for the next one.
        """
        self._pinned = self._pinned or (self._loaded,)
        try:
            with self._refusing():
                await self._load_by_policy()
        finally:
            self._pinned = ()

    async def _load_by_policy(self) -> None:
        self._record = None
        now = await policy_now(self, self._loaded)
        if now is None:
            self._told.tell(list)
            await super().load_user_options()
            return
        self._restore()
        self._notices = []
        request, environment, traits = await self._by_policy(now)
        if now.resolver.policy.built_in and await self._adopt_legacy_home(environment.home):
            request, environment, traits = await self._by_policy(now)
        self._assign(traits)
        if now.resolver.policy.built_in:
            self._use_home(environment.home)
            self._record = partial(written, environment, request, self.slug_scheme)
        settle(self)
        if self.log.isEnabledFor(logging.INFO):
            self.log.info("%s", log_line(self, environment))
        for notice in (*copies_of(environment, request.own).notices, *self._of_home(environment.home)):
            self.log.info("%s: %s", self._log_name, notice)
            self._notices.append(notice)
        grown = await self._grow_home(environment)
        if grown is not None:
            self._notices.append(grown)
        self._told.tell(partial(opening, environment, request.at, self._notices))
        self.environment_resolved(environment)

    async def _by_policy(self, now: Now) -> tuple[SpawnRequest, ResolvedEnvironment, dict[str, Any]]:
        """What is asked, what that resolves to, and the traits that say so. Raises Refusal and Unusable."""
        request = await self.request()
        people = now.resolver.people(request)
        selection = self._decide(partial(now.resolver.select, request, people=people))
        request, selection = await now.settled(self, request, selection)
        began = perf_counter()
        environment = now.resolver.resolve_selection(request, selection, people)
        RESOLVE_SECONDS.observe(perf_counter() - began)
        return request, environment, traits_of(environment, request.own)

    async def get_pod_manifest(self) -> Any:
        """KubeSpawner's pod; what an init container has from the notebook is known only now.

        What a start was given is written on it, for `envspawner status`.
        """
        pod = await super().get_pod_manifest()
        complete(pod)
        if self._record is not None:
            pod.metadata.annotations[VALUES_ANNOTATION] = self._record()
        return pod

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """What is being started, then KubeSpawner's events of the pod."""
        async for event in self._told.events():
            yield event
        async for event in super().progress():
            yield event

    def is_stale(self) -> bool:
        """Whether a restart of the server, which runs, would change what it was given. For pages: docs/status.md."""
        return is_stale(self, self._now())

    def _decide(self, decide: Callable[[Any], T]) -> T:
        """What `decide` says of the options; a choice that was saved and is no longer valid becomes the default.

        Raises Refusal.
        """
        try:
            return decide(self._sent_options)
        except Refusal as refusal:
            if not self._saved_options or self._sent_options != self._saved_options:
                raise
            self.log.warning("%s: the saved choice is no longer valid: %s", self._log_name, refusal)
            self._notices = [NO_LONGER_OFFERED]
        return decide({})

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Makes of a refusal what JupyterHub shows."""
        try:
            yield
        except Refusal as refusal:
            self._forget_options()
            raise refused(self, refusal.reason, refusal.message, refusal.detail) from None
        except Unusable as error:
            message = "Your server cannot be made as the rules for you say. Tell the people who run this hub."
            raise refused(self, "policy-unusable", message, str(error)) from None
        except AuthStateUnreadable as error:
            message = "What your login left for your server cannot be read. Log out, log in and try again."
            raise refused(self, "auth-state-missing", message, str(error)) from None

    async def _policy_now(self) -> Now | None:
        """The policy with the `profile_list` of this moment. Raises a refusal where that cannot be used."""
        with self._refusing():
            return await policy_now(self, self._loaded)

    def environment_resolved(self, environment: ResolvedEnvironment) -> None:
        """Called with what a start resolved to; for subclasses."""

    async def request(self, *, with_secrets: bool = True) -> SpawnRequest:
        """What is known about this start: who, when, above which traits, with which homes.

        with_secrets: whether auth state is known, where the policy speaks of it.
        """
        loaded = self._loaded
        auth_state: Mapping[str, Any] | None = {}
        if loaded is not None and loaded.policy.uses_auth_state:
            auth_state = await self._auth_state() if with_secrets else None
        names = self._names_now()
        user = orm_user(self)
        groups = frozenset([group.name for group in user.groups])
        person = Person(names["unescaped_username"], groups, bool(user.admin))
        own = own_layer(self, partial(self._expanded, names), self.own_places)
        shared = homes.shared_by(self._sibling_homes())
        self._known_homes = shared | self._homes
        del names["pvc_name"]  # the claim is what is resolved
        names["userid"] = str(names["userid"])
        mine, others = homes.claims(self._homes), homes.claims(shared)
        return SpawnRequest(person, self._now(), names, own, mine, auth_state, others)

    def _now(self) -> datetime:
        return datetime.now(timezone.utc)

    async def _grow_home(self, environment: ResolvedEnvironment) -> str | None:
        return await grow_home(self, environment)

    async def _auth_state(self) -> Mapping[str, Any] | None:
        """The user's auth state; empty where there is none. None would mean that nobody knows it."""
        return await auth_state_of(self.user)

    async def _make_create_pod_request(self, pod: Any, request_timeout: float) -> bool:
        with self._creating("pod", pod):
            return bool(await super()._make_create_pod_request(pod, request_timeout))

    async def _make_create_pvc_request(self, pvc: Any, request_timeout: float) -> bool:
        with self._creating("claim", pvc):
            return bool(await super()._make_create_pvc_request(pvc, request_timeout))

    async def _make_create_resource_request(self, kind: str, manifest: Any) -> bool:
        with self._creating(kind, manifest):
            return bool(await super()._make_create_resource_request(kind, manifest))

    @contextmanager
    def _creating(self, kind: str, manifest: Any) -> Iterator[None]:
        """Tells of what the cluster refuses only the name, and makes of it what JupyterHub shows.

        KubeSpawner logs all of a pod, and of the secret with a server's keys, in clear.
        """
        manifest.to_str = lambda: f"{kind} {manifest.metadata.name}"
        try:
            yield
        except ApiException as error:
            raise self._rejected(error) from None

    def _rejected(self, error: ApiException) -> Exception:
        """A refusal by the cluster as one of ours, which no failure limit counts; other errors as they are."""
        found = rejection(error.status, error.body)
        return error if found is None else refused(self, *found)
