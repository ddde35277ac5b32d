"""Where the program is."""
from __future__ import annotations

import os
import shutil
import sys
import sysconfig

NAME = "promenade-stack"


class ProgramMissing(OSError):
    """There is no program to start."""


def program() -> str:
    """The path of the program: what PROMENADE_BIN names, else what came with this package, else `promenade-stack` of PATH.

    A `promenade` of PATH is not taken: it may be another project's.
    """
    named = os.environ.get("PROMENADE_BIN")
    if named:
        if not os.access(named, os.X_OK) or os.path.isdir(named):
            raise ProgramMissing(f"PROMENADE_BIN is {named!r}, which is no program")
        return os.path.abspath(named)
    for folder in _folders():
        path = os.path.join(folder, NAME)
        if os.access(path, os.X_OK):
            return path
    found = shutil.which(NAME)
    if found is None:
        raise ProgramMissing(f"there is no {NAME}: pip install promenade-stack, or let PROMENADE_BIN name the program")
    return found


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
