"""A KubeSpawner that remembers its user's homes, never shows a foreign one, and deletes only what goes with it."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any, Final

from jupyterhub.utils import exponential_backoff
from traitlets import Undefined

from ..policy.folders import is_given
from ..policy.templates import KNOWN, Template, compile_text
from ..resolve.home import DEFAULT_IDENTITY, Home, scope_of
from . import homes
from .borrowed import BorrowingSpawner
from .claims import VERSION, is_legacy, legacy_names, owner_of, read_claim, states_that_name
from .refusals import refused
from .store import Loaded

_NOT_KUBESPAWNERS: Final = frozenset({"profile", "group", "match", "value"})


@lru_cache(maxsize=1024)
def _is_foreign(claim_template: str) -> bool:
    """Whether a template names what KubeSpawner does not know, so that it cannot expand it."""
    compiled = compile_text(claim_template)
    names = compiled.names if isinstance(compiled, Template) else frozenset()
    return bool(names & _NOT_KUBESPAWNERS) or not names <= KNOWN


class HomeKeepingSpawner(BorrowingSpawner):
    """Homes have an identity; see `resolve/home.py`."""

    @property
    def _loaded(self) -> Loaded | None:
        """The policy that counts now, if there is one."""
        return None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._homes: homes.Homes = {}
        self._known_homes: homes.Homes = {}
        self._home: Home | None = None
        self._legacy = False  # the state is one of KubeSpawner 6, and its claim not found yet
        self._legacy_siblings = (
            False  # the same of another server of this user, when its homes were looked for
        )
        super().__init__(*args, **kwargs)

    def _use_home(self, home: Home) -> None:
        """Tells KubeSpawner which claim to make or to take: never one that another home left behind."""
        self._home = home
        if home.kind not in ("dynamic", "own"):
            return
        assert home.claim is not None
        assert home.claim_template is not None
        template = home.claim if _is_foreign(home.claim_template) else home.claim_template
        if template != self.pvc_name_template:
            self._assign({"pvc_name_template": template})
        self.pvc_name = home.claim
        self._pvc_exists = home.remembered

    def _of_home(self, home: Home) -> list[str]:
        """What a user should know about a home that a new template would call otherwise."""
        if home.kind != "dynamic" or not home.remembered or home.named in (None, home.claim):
            return []
        return [f"The home is still {home.claim}; only a new one would be called {home.named}."]

    def _sibling_homes(self) -> list[homes.Homes]:
        """What this user's other servers remember. The default server's own home is there as long as its user is."""
        found = []
        self._legacy_siblings = False
        mine = self.name
        for name, orm_spawner in self.user.orm_user.orm_spawners.items():
            if name != mine and orm_spawner.state:
                known = homes.load_homes(orm_spawner.state, self._base_template())
                found.append(known if name else homes.of_user(known))
                self._legacy_siblings |= is_legacy(orm_spawner.state)
        return found

    def _base_template(self) -> str:
        """The configured template, also while a start has set another one."""
        base = self._assigned.get("pvc_name_template", (self.pvc_name_template,))[0]
        return str(self.trait_defaults("pvc_name_template") if base is Undefined else base)

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        self._legacy = is_legacy(state)
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
        if self.handle_legacy_names and self._legacy and "pvc_name" not in state:
            del state[VERSION]  # else the next start would no longer look for the claim that is not named yet
        if self._homes:
            state[homes.KEY] = {identity: dict(kept) for identity, kept in self._homes.items()}
            default = self._homes.get("default")
            state.pop("pvc_name", None)
            if default is not None:
                state["pvc_name"] = default["claim"]
        return state

    # --- claims of KubeSpawner 6 ---------------------------------------------------------------------------------

    async def _adopt_legacy_home(self, home: Home) -> bool:
        """Whether a claim of KubeSpawner 6's is the default home, which from now on is remembered.

        KubeSpawner 7 looks for it too, but only when the volumes are settled, only under today's template, and
        not for a named server that shares the home and is started first.
        """
        if not (self._legacy or (self._legacy_siblings and home.scope != "server")):
            return False
        makes_claim = home.kind == "dynamic" or (home.kind == "own" and self.storage_pvc_ensure)
        if home.identity != DEFAULT_IDENTITY or home.remembered or not makes_claim:
            return False
        if await read_claim(self, str(home.claim)) is not None:
            return False
        templates = {self._base_template(): None, str(home.claim_template): None}
        for template in (one for one in templates if not _is_foreign(one)):
            if await self._find_legacy_home(template, str(home.claim), labelled=False):
                return True
        return False

    async def _find_legacy_home(self, template: str, now: str, *, labelled: bool) -> bool:
        """Remembers a claim that the template named once, if there is one. labelled: it has to say whose it is."""
        if not (self.handle_legacy_names and self.remember_pvc_name):
            return False
        for name in legacy_names(self, [template], now):
            claim = await read_claim(self, name)
            owner = None if claim is None else owner_of(claim)
            if claim is None or (owner != self.user.name and (labelled or owner is not None)):
                continue
            self.log.warning("%s: the claim %s of KubeSpawner 6 is the home", self._log_name, name)
            scope = scope_of(compile_text(template))
            self._homes[DEFAULT_IDENTITY] = {"claim": name, "scope": scope}
            return True
        return False

    # --- the end of a server ---------------------------------------------------------------------------------------

    async def delete_forever(self) -> None:
        """Deletes the claims that go with this server, or with its user: never one that others may use."""
        siblings = self._sibling_homes()
        if self._loaded is None and not self._homes and not any(siblings):
            await super().delete_forever()
            return
        if self.name:
            self._leave_homes()
        if not self.delete_pvc:
            self.log.info("Not deleting the homes of %s: delete_pvc is off", self._log_name)
            return
        if self._legacy and DEFAULT_IDENTITY not in self._homes:
            await self._find_legacy_home(self._base_template(), "", labelled=True)
        for claim in homes.going(self._homes, siblings, alone=bool(self.name)):
            await self._delete_claim(claim)

    def _leave_homes(self) -> None:
        """What this named server knows of its user's homes goes to the default server, which is there as long."""
        default = self.user.orm_spawners.get("")
        if default is None:
            return
        state = default.state or {VERSION: self.get_state()[VERSION]}
        known = homes.load_homes(state, self._base_template())
        left = homes.left(self._homes, known, self.name, legacy=is_legacy(state))
        if not left:
            return
        default.state = {**state, homes.KEY: known | left}
        if DEFAULT_IDENTITY in left:
            default.state |= {"pvc_name": left[DEFAULT_IDENTITY]["claim"]}
        running = self.user.spawners.get("")
        if isinstance(running, HomeKeepingSpawner):
            running._homes = left | running._homes
        self.user.db.commit()

    async def _make_create_pvc_request(self, pvc: Any, request_timeout: float) -> bool:
        """KubeSpawner takes a claim that is there already as made; it may be somebody else's.

        The claim is read once, when it is not remembered yet. Raises a refusal (`home-foreign`).
        """
        made = bool(await super()._make_create_pvc_request(pvc, request_timeout))
        home = self._home
        if made and home is not None and home.kind in ("dynamic", "own") and home.scope != "shared":
            name = pvc.metadata.name
            claim = await self.api.read_namespaced_persistent_volume_claim(name, self.namespace)
            why = self._why_foreign(name, owner_of(claim))
            if why is not None:
                message = "Your home cannot be mounted. Tell the people who run this hub."
                raise refused(self, "home-foreign", message, why)
        return made

    def _why_foreign(self, claim: str, owner: str | None) -> str | None:
        """Why a claim that has the name of this home is not this user's; None if it is. owner: whose it says it is."""
        if owner is None and self._loaded is not None and is_given(self._loaded.policy, claim):
            hint = "choose a pvcNameTemplate that no name makes so"
            return f"the claim {claim} is one that the policy mounts for others ({hint})"
        if owner in (None, self.user.name):
            owner = self._other_user_of(claim)
        if owner is None:
            return None
        return f"the claim {claim} is of user {owner!r}, not of {self.user.name!r}"

    def _other_user_of(self, claim: str) -> str | None:
        """Another user whose home this is, as far as the hub knows: one who was renamed, say."""
        for user, state in states_that_name(self.user.db, claim, self.user.id):
            known = homes.load_homes(state, self._base_template())
            if any(home["claim"] == claim for home in known.values()):
                return user
        return None

    async def _delete_claim(self, claim: str) -> None:
        await exponential_backoff(
            partial(self._make_delete_pvc_request, claim, self.k8s_api_request_timeout),
            f"Could not delete pvc {claim}",
            timeout=self.k8s_api_request_retry_timeout,
        )
