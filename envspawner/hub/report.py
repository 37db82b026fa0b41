"""One line in the hub's log for every start: what was given, and by which policy; no variables, no secrets."""

from __future__ import annotations

from typing import Any, Final

from ..policy.quantities import format_cpu, format_memory
from ..policy.rules import Choice
from ..resolve.result import ResolvedEnvironment
from ..resolve.typed import Typed

_SHOWN: Final = 100  # characters of a typed image


def log_line(spawner: Any, environment: ResolvedEnvironment) -> str:
    """What a start of `spawner` was given."""
    choices = "".join(f" {o.slug}={_picked(c)}" for o, c in environment.selection.choices)
    home = environment.home
    storage: str = home.kind
    if home.kind == "dynamic":
        storage = f"{home.claim} ({environment.get('storage.capacity')})"
    elif home.claim is not None:
        storage = home.claim
    extended = environment.by_field.get("extraResource.limits", ())
    return (
        f"{spawner._log_name} gets profile={environment.selection.slug or '-'}{choices} "
        f"image={environment.image() or spawner.image} "
        f"memory={_memory(environment, 'guarantee')}-{_memory(environment, 'limit')} "
        f"cpu={_cpu(environment, 'guarantee')}-{_cpu(environment, 'limit')} "
        + "".join(f"{entry.key}={entry.value} " for entry in extended)
        + f"storage={storage} policy={environment.digest or '-'}"
    )


def _picked(choice: Choice | Typed) -> str:
    """A choice's name, or the beginning of the image that was typed; another text may be a secret."""
    if isinstance(choice, Choice):
        return choice.slug
    return repr(choice.value[:_SHOWN]) if choice.other.images else "(typed)"


def _memory(environment: ResolvedEnvironment, word: str) -> str:
    value = environment.get(f"memory.{word}")
    return "none" if value is None else format_memory(value)


def _cpu(environment: ResolvedEnvironment, word: str) -> str:
    value = environment.get(f"cpu.{word}")
    return "none" if value is None else format_cpu(value)
