"""Where the program is."""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig

NAME = "promenade-stack"


class ProgramMissing(OSError):
    """There is no program to start, or one of another version."""


# Programs whose version has been looked at.
_known: set[str] = set()


def program() -> str:
    """The path of the program: what PROMENADE_BIN names, else what came with this package, else `promenade-stack` of PATH.

    A `promenade` of PATH is not taken unasked: it may be another project's.
    """
    named = os.environ.get("PROMENADE_BIN")
    if named:
        found = shutil.which(named)
        if found is None:
            raise ProgramMissing(f"PROMENADE_BIN is {named!r}, which is no program")
        return _checked(os.path.abspath(found))
    for folder in _folders():
        path = os.path.join(folder, NAME)
        if os.access(path, os.X_OK):
            return _checked(path)
    found = shutil.which(NAME)
    if found is None:
        raise ProgramMissing(f"there is no {NAME}: install its wheel, the file promenade_stack-….whl, or let PROMENADE_BIN name the program")
    return _checked(found)


def _checked(path: str) -> str:
    """The path of a program of this package's version; minor releases count."""
    if path in _known:
        return path
    from . import __version__

    minor = ".".join(__version__.split(".")[:2])
    try:
        done = subprocess.run([path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=10)
        said = done.stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProgramMissing(f"{path} --version: {error}") from None
    if not (said + ".").startswith(f"promenade {minor}."):
        raise ProgramMissing(f"{path} is no promenade {minor}.x: with --version it says {said!r} and ends with {done.returncode}")
    _known.add(path)
    return path


def _folders() -> list[str]:
    """Where installers put a package's programs."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    folders = [sysconfig.get_path("scripts")]
    # pip install --user, --prefix and --target.
    user = sysconfig.get_preferred_scheme("user") if sys.version_info >= (3, 10) else "posix_user"
    folders.append(sysconfig.get_path("scripts", scheme=user))
    folders.append(os.path.abspath(os.path.join(here, "..", "..", "..", "bin")))
    folders.append(os.path.join(here, "bin"))
    return folders
