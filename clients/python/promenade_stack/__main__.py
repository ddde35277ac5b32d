"""`python -m promenade_stack ARGUMENT…` is `promenade ARGUMENT…`."""
import os
import sys

from ._program import ProgramMissing, program


def main() -> None:
    try:
        path = program()
    except ProgramMissing as missing:
        sys.exit(f"promenade_stack: {missing}")
    # Takes this process's place, so that signals and the exit code need nobody in between.
    os.execv(path, [path, *sys.argv[1:]])


if __name__ == "__main__":
    main()
