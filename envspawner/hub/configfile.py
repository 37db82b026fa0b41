"""Executes a `jupyterhub_config.py` as JupyterHub would, without a hub; tells what it raises, prints or never ends."""

from __future__ import annotations

import ast
import io
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import FrameType
from typing import Any, Final

from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader
from traitlets.utils.importstring import import_item

from ..policy.located import Map, Seq, Source, Spot
from ..policy.problems import Place, PolicyError, Problem
from .configuration import Configuration, from_config
from .spawner import EnvSpawner
from .store import SECTION_TRAITS

_PROFILE_LIST: Final = "profile_list"
_LOCATED: Final = frozenset(
    [
        *(("c.EnvSpawner", trait) for trait in (*SECTION_TRAITS, _PROFILE_LIST)),
        ("c.KubeSpawner", _PROFILE_LIST),
    ]
)
"""What of a file's assignments has places."""
SECONDS: Final = 20
"""How long a configuration may take to load."""


class _TooLong(BaseException):
    """Not an Exception, so that `except Exception` in a configuration does not catch it."""


def read_python(name: str) -> Configuration:
    """The hub's configuration in a Python file. Raises OSError and PolicyError."""
    path = Path(name)
    with open(path, "rb"):
        pass
    said = io.StringIO()
    try:
        with redirect_stdout(said), redirect_stderr(said), _at_most(SECONDS), _importable(path.parent):
            config = PyFileConfigLoader(path.name, str(path.parent)).load_config()
    except (_TooLong, SystemExit, Exception) as error:
        raise PolicyError([_problem(name, error)]) from None
    if said.getvalue().strip():
        first = said.getvalue().strip().splitlines()[0][:100]
        message, hint = f"prints {first!r}", "a configuration that commands read must not print"
        raise PolicyError([Problem(Place(name), "", message, hint)])
    return from_config(config, _spawner_class(config, name), located_sections(name, config))


def located_sections(name: str, config: Config) -> dict[str, Source]:
    """Sections of the policy, and a `profile_list`, that the file writes out, with the lines of their entries."""
    found: dict[str, Source] = {}
    for node in ast.walk(ast.parse(Path(name).read_bytes())):
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Dict | ast.List):
            continue
        for target in node.targets:
            owner, _, trait = ast.unparse(target).rpartition(".")
            if (owner, trait) not in _LOCATED:
                continue
            located, real = _located(node.value), config[owner.removeprefix("c.")].get(trait)
            if located == real or (trait == _PROFILE_LIST and _has_shape(located, real)):
                spot = (node.value.lineno, node.value.col_offset + 1)
                found[trait] = Source(name, _one(trait, located, spot), spot)
    return found


def _has_shape(located: Any, real: Any) -> bool:
    """Whether a value is what the file writes out, as far as that is literals."""
    if isinstance(located, Map):
        same = isinstance(real, dict) and located.keys() == real.keys()
        return same and all(_has_shape(item, real[key]) for key, item in located.items())
    if isinstance(located, Seq):
        same = isinstance(real, list) and len(located) == len(real)
        return same and all(map(_has_shape, located, real))
    return type(located) is object or bool(located == real)


def _one(key: str, value: Any, spot: Spot) -> Map:
    """A mapping of one entry that stands at `spot`."""
    result = Map()
    result[key] = value
    result.keys_at[key] = result.values_at[key] = spot
    return result


def _located(node: ast.expr) -> Any:
    """A literal with the places of what it holds; something that equals nothing where it is no literal."""
    if isinstance(node, ast.Dict):
        result = Map()
        for key, value in zip(node.keys, node.values, strict=True):
            name = key.value if isinstance(key, ast.Constant) else object()
            result[name] = _located(value)  # type: ignore[index]
            if isinstance(name, str) and key is not None:
                result.keys_at[name] = (key.lineno, key.col_offset + 1)
                result.values_at[name] = (value.lineno, value.col_offset + 1)
        return result
    if isinstance(node, ast.List):
        items = Seq()
        for item in node.elts:
            items.append(_located(item))
            items.items_at.append((item.lineno, item.col_offset + 1))
        return items
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return object()


def _problem(name: str, error: BaseException) -> Problem:
    """Where in the configuration it went wrong: the last line of the error's way that is not a library's."""
    if isinstance(error, SyntaxError):
        return Problem(
            Place(error.filename or name, error.lineno, error.offset), "", f"is not Python: {error.msg}"
        )
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        f
        for f in frames
        if Path(f.filename).suffix in (".py", ".example") and "site-packages" not in f.filename
    ]
    own = [f for f in own if not f.filename.startswith((sys.base_prefix, str(Path(__file__).parent.parent)))]
    last = own[-1] if own else None
    place = Place(_short(last.filename, name), last.lineno) if last else Place(name)
    if isinstance(error, _TooLong):
        return Problem(
            place, "", f"does not end within {SECONDS} s", "a configuration must not wait for anything"
        )
    if isinstance(error, SystemExit):
        return Problem(place, "", f"ends the program (SystemExit: {error.code})")
    return Problem(
        place,
        "",
        f"{type(error).__name__}: {error}",
        "it must load without a hub, as JupyterHub would load it",
    )


def _short(filename: str, name: str) -> str:
    return name if Path(filename).resolve() == Path(name).resolve() else filename


def _spawner_class(config: Config, name: str) -> type[EnvSpawner]:
    found = config.JupyterHub.get("spawner_class", EnvSpawner)
    if isinstance(found, str) and found not in ("envspawner", "kubespawner"):
        try:
            found = import_item(found)
        except ImportError as error:
            raise PolicyError([Problem(Place(name), "c.JupyterHub.spawner_class", str(error))]) from None
    return found if isinstance(found, type) and issubclass(found, EnvSpawner) else EnvSpawner


@contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    def ring(_: int, __: FrameType | None) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """JupyterHub is started beside its configuration, whose modules it can then import."""
    sys.path.insert(0, str(folder.resolve()))
    try:
        yield
    finally:
        sys.path.remove(str(folder.resolve()))
