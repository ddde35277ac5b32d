#!/usr/bin/env python3
"""Rules beside a real Prometheus: CPU time of both for the same rules and targets, and rules over a stored week.

    Benchmarks/rules.py live --ours PROMENADE --prometheus PROMETHEUS [--interval 15] [--seconds 180]
    Benchmarks/rules.py week --ours PROMENADE

`live`: 10,000 series of one target (100 metrics of 100 instances each), 1,000 rules in ten groups: rates, sums, ratios, quantiles, and
alerts with templates of which some are active. The target is scraped and the rules are evaluated once an interval; CPU time is
utime+stime of the whole server after its first two minutes (or --warm). Both run at the same time.

`week`: a week of 200 series each minute by `tsdb import`, then 100 rules over it by `tsdb rules --dry-run`, once a minute.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Tests" / "Conformance"))
import peers

METRICS, INSTANCES = 100, 100


class Target(peers.Target):
    protocol_version = "HTTP/1.1"
    started = time.time()

    def text(self):
        elapsed = int(time.time() - self.started)
        lines = []
        for metric in range(METRICS):
            kind = "gauge" if metric % 2 else "counter"
            name = f"work_{metric}" + ("" if metric % 2 else "_total")
            lines.append(f"# TYPE {name} {kind}")
            for instance in range(INSTANCES):
                value = (instance * 7 + elapsed * (metric + 3)) % 1000 if metric % 2 else elapsed * (instance + 1) + metric
                lines.append(f'{name}{{node="node-{instance}",zone="z{instance % 5}",path="/api/v1/{metric}"}} {value}')
        return "\n".join(lines) + "\n"


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


def cpu(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def get(port, path, **parameters):
    url = f"http://127.0.0.1:{port}{path}?{urllib.parse.urlencode(parameters)}"
    return json.load(urllib.request.urlopen(url, timeout=30))["data"]


def live(options, folder):
    server = peers.listen(Target)
    (folder / "r.json").write_text(json.dumps(groups(10, options.rules, options.interval)))
    (folder / "c.json").write_text(json.dumps({
        "global": {"scrape_interval": f"{options.interval}s", "scrape_timeout": f"{min(options.interval, 10)}s"},
        "rule_files": [str(folder / "r.json")],
        "scrape_configs": [{"job_name": "work", "static_configs": [{"targets": [f"127.0.0.1:{server.server_address[1]}"]}]}]}))
    systems = {
        "prometheus": [options.prometheus, f"--storage.tsdb.path={folder}/theirs", "--web.listen-address=127.0.0.1:9780", "--log.level=warn"],
        "ours": [options.ours, "run", f"--storage.path={folder}/ours", "--web.listen-address=127.0.0.1:9781", "--no-demo.enabled",
                 "--no-pushgateway.enabled", "--log.level=warn"],
    }
    chosen = [name for name in systems if name in options.systems.split(",")]
    processes = {name: subprocess.Popen([*systems[name], f"--config.file={folder}/c.json"]) for name in chosen}
    try:
        time.sleep(options.warm)
        before = {name: cpu(process.pid) for name, process in processes.items()}
        time.sleep(options.seconds)
        used = {name: cpu(process.pid) - before[name] for name, process in processes.items()}
        figures = {}
        for name, port in (("prometheus", 9780), ("ours", 9781)):
            if name not in processes:
                continue
            rules = [r for g in get(port, "/api/v1/rules")["groups"] for r in g["rules"]]
            series = get(port, "/api/v1/query", query='count({__name__=~".+:.+|ALERTS.*"})')["result"]
            figures[name] = {
                "cpu": round(used[name], 2), "milliseconds a second": round(1000 * used[name] / options.seconds, 1),
                "MiB": round(memory(processes[name].pid)), "rules": len(rules), "not ok": sum(r["health"] != "ok" for r in rules),
                "alerts": sum(len(r.get("alerts", [])) for r in rules), "series of rules": series[0]["value"][1] if series else 0}
            print(name, json.dumps(figures[name]))
        if len(figures) == 2:
            print(f"ratio {used['ours'] / used['prometheus']:.3f}")
    finally:
        for process in processes.values():
            process.terminate()
            process.wait(60)


def week(options, folder):
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
    subprocess.run([options.ours, "tsdb", "import", f"--storage.path={folder}/week", folder / "week.om"], check=True)
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
            [options.ours, "tsdb", "rules", f"--storage.path={folder}/week", f"--start={start}", f"--end={start + 60 * (minutes - 1)}",
             "--dry-run", folder / "r.json"], capture_output=True, text=True)
        lines = done.stdout.splitlines()
        print(f"rules {time.time() - begin:.2f} s, exit {done.returncode}, {len(lines) - 2} spans, {lines[-1] if lines else done.stderr}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["live", "week"])
    parser.add_argument("--ours", default=".build/release/promenade")
    parser.add_argument("--prometheus", default=os.environ.get("PROMETHEUS_BIN", "prometheus"))
    parser.add_argument("--systems", default="prometheus,ours")
    parser.add_argument("--interval", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--warm", type=float, default=120)
    parser.add_argument("--rules", type=int)
    parser.add_argument("--times", type=int, default=3)
    options = parser.parse_args()
    options.rules = options.rules or (1000 if options.what == "live" else 100)
    options.ours = shutil.which(options.ours) or sys.exit(f"there is no program {options.ours}")
    with tempfile.TemporaryDirectory() as name:
        {"live": live, "week": week}[options.what](options, Path(name))


main()
