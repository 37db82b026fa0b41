"""A JupyterHub spawner for Kubernetes that decides by policy what each user gets.

`EnvSpawner` is imported when it is first asked for: `envspawner check` and `explain` need no JupyterHub.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .hub.spawner import EnvSpawner

__all__ = ["PAGES", "EnvSpawner"]
__version__ = "0.1.0"

PAGES: Final = str(Path(__file__).parent / "hub" / "pages")
"""For `c.JupyterHub.template_paths`: a home page that tells users of servers which a restart would change."""


def __getattr__(name: str) -> Any:
    if name != "EnvSpawner":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .hub.spawner import EnvSpawner
    from .hub.startup import check_policy_soon

    check_policy_soon()
    return EnvSpawner
