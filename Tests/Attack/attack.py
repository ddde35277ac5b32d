"""The list of attacks, and the table."""
import argparse
import sys
import textwrap
import time
import traceback

import stack
from stack import GaveWay, Late, Skipped

ATTACKS = []


class Attack:
    def __init__(self, name, promised, work, short):
        self.name, self.promised, self.work, self.short = name, promised, work, short


def attack(name, promised, short=False):
    """Makes a function an attack. It is called with `short=True` or `False`, returns what was seen and raises `GaveWay`. With
    `short=True` it is also run by `--short`, where it takes a few seconds at most."""
    def register(work):
        ATTACKS.append(Attack(name, promised, work, short))
        return work
    return register


def row(cells, widths):
    columns = [textwrap.wrap(cell, width) or [""] for cell, width in zip(cells, widths)]
    for index in range(max(map(len, columns))):
        parts = [column[index] if index < len(column) else "" for column in columns]
        print("  ".join(part.ljust(width) for part, width in zip(parts, widths)).rstrip(), flush=True)


def main():
    parser = argparse.ArgumentParser(description="Attacks a stack, and tells whether it stands.")
    parser.add_argument("--short", action="store_true", help="only what takes some seconds, and less of it")
    parser.add_argument("--patient", action="store_true", help="ten times the time for everything, on a machine that is busy otherwise")
    parser.add_argument("--list", action="store_true", help="names only")
    parser.add_argument("names", nargs="*", help="attacks whose names have this in them")
    options = parser.parse_args()
    if options.patient:
        stack.patience = 10
    chosen = [one for one in ATTACKS if (one.short or not options.short)
              and (not options.names or any(name.lower() in one.name.lower() for name in options.names))]
    if options.list:
        print("\n".join(one.name for one in chosen))
        return 0
    if not chosen:
        print("no attack is called so; --list tells their names", file=sys.stderr)
        return 2
    widths, failed, skipped = (34, 44, 52, 9), [], []
    row(("attack", "promised", "seen", ""), widths)
    row(["-" * width for width in widths], widths)
    began = time.monotonic()
    for one in chosen:
        start = time.monotonic()
        try:
            # Others' work on the same machine may have held it up; what is late each time is late.
            late = []
            while True:
                try:
                    seen = one.work(short=options.short) + (f" (at first: {'; '.join(late)})" if late else "")
                    break
                except Late as error:
                    late.append(str(error))
                    if len(late) == (4 if options.patient else 2):
                        raise
            word = "stands"
        except GaveWay as error:
            seen, word = str(error), "GAVE WAY"
            failed.append(one.name)
        except Skipped as error:
            seen, word = str(error), "skipped"
            skipped.append(one.name)
        except Exception as error:
            traceback.print_exc()
            seen, word = f"{type(error).__name__}: {error}", "GAVE WAY"
            failed.append(one.name)
        row((one.name, one.promised, f"{seen} [{time.monotonic() - start:.1f} s]", word), widths)
    print(f"\n{len(chosen)} attacks in {time.monotonic() - began:.0f} s, {len(skipped)} skipped"
          + (f"; gave way: {', '.join(failed)}" if failed else "; all stand"), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    # The attacks ask this very module for the list.
    sys.modules["attack"] = sys.modules["__main__"]
    import http_attacks
    import browser_attacks
    import cost_attacks
    import work_attacks
    import peer_attacks
    import input_attacks
    import storage_attacks
    import process_attacks
    sys.exit(main())
