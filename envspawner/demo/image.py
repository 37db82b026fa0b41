"""What stands in for every image: the Python that runs the demo, in the shape of a Jupyter image."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

HOME = "/home/jovyan"
STARTER_FILES = "/srv/app/src"
UID, GID = 1000, 100
COMMAND = ("jupyterhub-singleuser",)

_BIN = str(Path(sys.executable).parent)
IMAGE_ENVIRONMENT = {
    "PATH": f"{_BIN}:/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "HOME": HOME,
    "USER": "jovyan",
    "SHELL": "/bin/bash" if Path("/bin/bash").exists() else "/bin/sh",
    "TERM": "xterm-256color",
}
"""All that a container gets from this machine: never the variables of whoever runs the demo."""
AS_ROOT = {"JUPYTER_CONFIG_PATH": str(files("envspawner.demo").joinpath("as-root"))}
"""Without namespaces root's servers run as root, which JupyterLab refuses unless it is told otherwise."""


def example_files() -> Path:
    """The starter files that come with this package."""
    return Path(str(files("envspawner.demo").joinpath("files")))


def account_files(folder: Path, uid: int, gid: int) -> dict[str, Path]:
    """`/etc/passwd` and `/etc/group` for a container, so that its user has a name; written to `folder`."""
    shell = IMAGE_ENVIRONMENT["SHELL"]
    passwd = ["root:x:0:0:root:/root:/bin/sh", "nobody:x:65534:65534:nobody:/:/bin/false"]
    group = ["root:x:0:", "nogroup:x:65534:"]
    if uid:
        passwd.append(f"jovyan:x:{uid}:{gid}::{HOME}:{shell}")
    if gid:
        group.append(f"users:x:{gid}:")
    made = {"/etc/passwd": passwd, "/etc/group": group}
    for target, lines in made.items():
        (folder / Path(target).name).write_text("".join(f"{line}\n" for line in lines))
    return {target: folder / Path(target).name for target in made}
