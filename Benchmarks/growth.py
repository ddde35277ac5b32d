#!/usr/bin/env python3
"""What work costs beside the real programs, and how that grows when the work grows tenfold: a table in Markdown.

    Benchmarks/growth.py                         every row, about 25 minutes
    Benchmarks/growth.py --only span,churn       some of them
    Benchmarks/growth.py --quick                 smaller and shorter, about 8 minutes; to see that it runs
    Benchmarks/growth.py --list

PROMENADE_BIN (else .build/release/promenade), PROMETHEUS_BIN and VICTORIA_BIN name the programs; one that is not there has no figures.
CPU time is that of the whole process (utime+stime), memory is VmRSS, "at most" VmHWM. All in a line were measured in one run and, where
CPU time is the figure, at the same time. The ratio is that to the better of the others, below 1 where this program is ahead (of rates
the other way round). Growth is from one size to the next: of `=` it should be 1, of others no more than that of the work.
"""
import argparse
import sys
import time

from measure import OURS, PROMETHEUS, VICTORIA
from rows import pages, queries, scraping, spans, writes

ROWS = {**writes.ROWS, **queries.ROWS, **scraping.ROWS, **spans.ROWS, **pages.ROWS}
HEADINGS = ["row", "what", "size", "Promenade", "Prometheus", "VictoriaMetrics", "ratio", "growth"]


def number(x):
    if x is None:
        return "–"
    return f"{x:,.0f}" if abs(x) >= 100 else f"{x:.3g}"


class Table:
    def __init__(self):
        self.before = {}
        self.behind, self.growing = [], []
        print("| " + " | ".join(HEADINGS) + " |\n|" + "---|" * len(HEADINGS), flush=True)

    def add(self, row, line):
        ours = line.values.get(OURS)
        others = [value for name, value in line.values.items() if name != OURS and value]
        ratio = growth = None
        if others and ours:
            ratio = max(others) / ours if line.is_rate else ours / min(others)
        before = self.before.get((row, line.what))
        if before and ours and before.values.get(OURS):
            growth = ours / before.values[OURS]
        self.before[row, line.what] = line
        mark = " =" if line.is_flat else ""
        cells = [row, line.what + mark, line.size, *(number(line.values.get(name)) for name in (OURS, PROMETHEUS, VICTORIA)),
                 number(ratio), f"{growth:.2f}" if growth else ""]
        print("| " + " | ".join(cells) + " |", flush=True)
        text = f"{row}, {line.what}, {line.size}"
        if ratio and ratio > 0.5:
            self.behind.append(f"{text}: {ratio:.2f}")
        # Rates are better when they grow.
        if growth and not line.is_rate and growth > (1.3 if line.is_flat else 1.1 * line.work / before.work):
            self.growing.append(f"{text}: {growth:.2f}")

    def end(self):
        for title, lines in (("Not ahead by two", self.behind), ("Growing more than it should", self.growing)):
            print(f"\n{title}: {'none' if not lines else ''}")
            for line in lines:
                print(f"- {line}")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--only", help="names of rows, with commas between them")
    ap.add_argument("--quick", action="store_true")
    ap.add_argument("--list", action="store_true", help="the rows and what they are")
    a = ap.parse_args()
    if a.list:
        for name, row in ROWS.items():
            print(f"{name:10} {row.__doc__.strip().splitlines()[0]}")
        return
    chosen = a.only.split(",") if a.only else list(ROWS)
    unknown = [name for name in chosen if name not in ROWS]
    if unknown:
        ap.error(f"there is no row {', '.join(unknown)}; there are {', '.join(ROWS)}")
    table = Table()
    for name in chosen:
        begin = time.monotonic()
        for line in ROWS[name](a.quick):
            table.add(name, line)
        print(f"{name}: {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
    table.end()


if __name__ == "__main__":
    main()
