"""What a start tells its user first: what is being started, and what they should know about it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from ..resolve.figures import Figure, figures
from ..resolve.result import ResolvedEnvironment

PATIENCE: Final = 10.0
"""Seconds after which the events of the pod are told, even if nobody has said what is being started."""
NO_LONGER_OFFERED: Final = "What you chose last time is no longer offered, so the default is started."
NO_HOME: Final = "There is no home: files are lost when the server stops."
_SAID: Final = ("memory", "cpu", "storage")


class Told:
    """Lines for the progress page, which may come for them before they are there, and more than once."""

    __slots__ = ("_lines", "_there")

    def __init__(self) -> None:
        self._lines: Callable[[], list[str]] | None = None
        self._there: asyncio.Event | None = None  # while somebody waits

    def tell(self, lines: Callable[[], list[str]]) -> None:
        """Says what this start has to say. lines: called when somebody listens."""
        self._lines = lines
        if self._there is not None:
            self._there.set()

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """The lines as JupyterHub takes them."""
        if self._lines is None:
            self._there = self._there or asyncio.Event()
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._there.wait(), PATIENCE)
        for line in self._lines() if self._lines is not None else ():
            yield {"progress": 0, "message": line}


def opening(environment: ResolvedEnvironment, at: datetime, notices: Iterable[str]) -> list[str]:
    """What is being started in one line, and one for each thing to know."""
    found = figures(environment, at)
    profile = environment.selection.profile
    name = profile.display_name if profile else "your server"
    parts = [words for figure in found if (words := _words(figure))]
    told = [f"Starting {name}: {', '.join(parts)}." if parts else f"Starting {name}.", *notices]
    if any(figure.key == "storage" and figure.warns for figure in found):
        told.append(NO_HOME)
    return told


def _words(figure: Figure) -> str:
    if figure.key == "image":
        return figure.text
    if figure.warns or (figure.key not in _SAID and "/" not in figure.key):
        return ""
    label = figure.label if figure.label.isupper() else figure.label.lower()
    return (
        figure.text[0].lower() + figure.text[1:] if figure.text == "Your home" else f"{label} {figure.text}"
    )
