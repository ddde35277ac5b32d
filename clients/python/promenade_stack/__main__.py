"""`python -m promenade_stack ARGUMENT…` is `promenade ARGUMENT…`."""
import os
import sys

from ._program import ProgramMissing, program


def main() -> None:
    try:
        path = program()
    except ProgramMissing as missing:
        sys.exit(f"promenade_stack: {missing}")
    # Whoever types `promenade` is told of commands by that name.
    called = sys.argv[0] if os.path.basename(sys.argv[0]) == "promenade" else path
    # Takes this process's place, so that signals and the exit code need nobody in between.
    os.execv(path, [called, *sys.argv[1:]])


if __name__ == "__main__":
    main()
