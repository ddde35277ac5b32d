#!/usr/bin/env python3
"""Rules beside a real Prometheus: CPU time of both for the same rules and targets, and rules over a stored week.

    Benchmarks/rules.py live [--interval 15] [--seconds 180]      beside PROMETHEUS_BIN
    Benchmarks/rules.py week

`live`: 10,000 series of one target (100 metrics of 100 instances each), 1,000 rules in ten groups: rates, sums, ratios, quantiles, and
alerts with templates of which some are active. The target is scraped and the rules are evaluated once an interval; CPU time is
utime+stime of the whole server after its first two minutes (or --warm). Both run at the same time.

`week`: a week of 200 series each minute by `tsdb import`, then 100 rules over it by `tsdb rules --dry-run`, once a minute.
"""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import load
import measure
from farm import Farm, Series
from measure import OURS, PROMETHEUS, peers

METRICS, INSTANCES = 100, 100


def rule(number):
    """Rules as people have them; the metric goes round, so that each is read by ten."""
    metric, shape = number % METRICS, number // METRICS
    counter, gauge = f"work_{metric - metric % 2}_total", f"work_{metric | 1}"
    page = {"labels": {"severity": "page"}, "annotations": {"summary": "{{ $labels.node }} is at {{ $value | humanize }}"}}
    return [
        {"record": f"zone:{counter}:rate5m_{number}", "expr": f"sum by (zone) (rate({counter}[5m]))"},
        {"record": f"node:{gauge}:avg5m_{number}", "expr": f"avg_over_time({gauge}[5m])"},
        {"alert": f"High{number}", "expr": f"{gauge} > 950", "for": "1m", **page},
        {"record": f"job:{counter}:ratio_{number}", "expr": f"sum(rate({counter}[2m])) / count({counter})"},
        {"alert": f"Slow{number}", "expr": f"rate({counter}[5m]) < 0", "for": "5m", **page},
        {"record": f"zone:{gauge}:max_{number}", "expr": f"max by (zone) ({gauge})"},
        {"alert": f"Absent{number}", "expr": f'absent({counter}{{node="node-{number % INSTANCES}"}})', **page},
        {"record": f"job:{gauge}:p90_{number}", "expr": f"quantile(0.9, {gauge})", "labels": {"kind": "p90"}},
        {"alert": f"Low{number}", "expr": f'min by (zone) ({gauge}{{zone=~"z[123]"}}) < 2 and on (zone) sum by (zone) ({counter}) > 10', **page},
        {"record": f"zone:{counter}:increase1m_{number}", "expr": f'sum without (node, path) (increase({counter}{{zone!="z4"}}[1m]))'},
    ][shape % 10]


def groups(count, rules, interval):
    each = rules // count
    return {"groups": [{"name": f"g{index}", "interval": f"{interval}s", "rules": [rule(index * each + n) for n in range(each)]}
                       for index in range(count)]}


def live(count, interval, warm, seconds, names=(OURS, PROMETHEUS)):
    """Rules as they run beside scrapes: the figures of each program."""
    series = Series(METRICS, INSTANCES)
    farm = Farm([[series.text(step) for step in range(int((warm + seconds) / interval) + 3)]])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rules.json"
        file.write_text(json.dumps(groups(10, count, interval)))
        with measure.servers(lambda _: farm.config(farm.listen(), 1, interval, [str(file)]), names=names) as running:
            time.sleep(warm)
            spent = measure.spent(running, seconds)
            figures = {}
            for name, server in running.items():
                rules = [r for g in load.result(server.address, "/api/v1/rules")["groups"] for r in g["rules"]]
                series = load.result(server.address, "/api/v1/query", query='count({__name__=~".+:.+|ALERTS.*"})')
                figures[name] = {
                    "cpu": round(spent[name], 3), "milliseconds a second": round(1000 * spent[name] / seconds, 1),
                    "MiB": round(measure.memory(server.process)), "rules": len(rules), "not ok": sum(r["health"] != "ok" for r in rules),
                    "alerts": sum(len(r.get("alerts", [])) for r in rules), "series of rules": series[0]["value"][1] if series else 0}
    farm.close()
    return figures


def week(options, folder):
    ours = peers.promenade()
    start, minutes = 1_790_000_040, 7 * 24 * 60
    with open(folder / "week.om", "w") as file:
        for metric in range(20):
            name = f"work_{metric}"
            print(f"# TYPE {name} {'gauge' if metric % 2 else 'counter'}", file=file)
            for instance in range(10):
                labels = f'{{node="node-{instance}",zone="z{instance % 5}"}}'
                series = f"{name}{labels}" if metric % 2 else f"{name}_total{labels}"
                for minute in range(minutes):
                    value = (instance * 7 + minute * (metric + 3)) % 1000 if metric % 2 else minute * (instance + 1)
                    print(series, value, start + 60 * minute, file=file)
        print("# EOF", file=file)
    begin = time.time()
    subprocess.run([ours, "tsdb", "import", f"--storage.path={folder}/week", folder / "week.om"], check=True)
    print(f"import {time.time() - begin:.2f} s")
    rules = []
    for number in range(options.rules):
        metric = number % 10
        counter, gauge = f"work_{2 * metric}_total", f"work_{2 * metric + 1}"
        rules.append([
            {"record": f"zone:{counter}:rate5m_{number}", "expr": f"sum by (zone) (rate({counter}[5m]))"},
            {"record": f"node:{gauge}:avg1h_{number}", "expr": f"avg_over_time({gauge}[1h])"},
            {"alert": f"High{number}", "expr": f"{gauge} > 950", "for": "2m", "annotations": {"summary": "{{ $labels.node }}: {{ $value }}"}},
            {"record": f"job:{counter}:ratio_{number}", "expr": f"sum(rate({counter}[10m])) / count({counter})"},
            {"alert": f"Never{number}", "expr": f"rate({counter}[5m]) < 0", "for": "5m"},
            {"record": f"zone:{gauge}:max_{number}", "expr": f"max by (zone) ({gauge})"},
            {"alert": f"Absent{number}", "expr": f'absent({counter}{{node="node-1"}})'},
            {"record": f"job:{gauge}:p90_{number}", "expr": f"quantile(0.9, {gauge})"},
            {"alert": f"Low{number}", "expr": f"min by (zone) ({gauge}) < 2 and on (zone) sum by (zone) ({counter}) > 10"},
            {"record": f"zone:{counter}:increase5m_{number}", "expr": f'sum without (node) (increase({counter}{{zone!="z4"}}[5m]))'},
        ][number // 10 % 10])
    (folder / "r.json").write_text(json.dumps({"groups": [{"name": "week", "interval": "1m", "rules": rules}]}))
    for _ in range(options.times):
        begin = time.time()
        done = subprocess.run(
            [ours, "tsdb", "rules", f"--storage.path={folder}/week", f"--start={start}", f"--end={start + 60 * (minutes - 1)}",
             "--dry-run", folder / "r.json"], capture_output=True, text=True)
        lines = done.stdout.splitlines()
        print(f"rules {time.time() - begin:.2f} s, exit {done.returncode}, {len(lines) - 2} spans, {lines[-1] if lines else done.stderr}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["live", "week"])
    parser.add_argument("--systems", default=f"{PROMETHEUS},{OURS}")
    parser.add_argument("--interval", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--warm", type=float, default=120)
    parser.add_argument("--rules", type=int)
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    if options.what == "week":
        options.rules = options.rules or 100
        with tempfile.TemporaryDirectory() as name:
            return week(options, Path(name))
    figures = live(options.rules or 1000, options.interval, options.warm, options.seconds, options.systems.split(","))
    for name, found in figures.items():
        print(name, json.dumps(found))
    if len(figures) == 2:
        print(f"ratio {figures[OURS]['cpu'] / figures[PROMETHEUS]['cpu']:.3f}")


if __name__ == "__main__":
    main()
