#!/usr/bin/env python3
"""Rules and alerts beside a real Prometheus: both scrape the same exporter by the same rule files and tell the same receiver.

    rules_live.py [--prometheus PROMETHEUS] [--ours PROMENADE] [--alertmanager ALERTMANAGER] [--minutes 10]

The programs are PROMETHEUS_BIN, PROMENADE_BIN and ALERTMANAGER_BIN, or those of PATH; without a Prometheus it exits with 77. With --minutes the values rise and fall again and again; by turns the target fails for some seconds, or both servers are ended (by
turns politely and not) in the middle of the `for` of an alert, which has to go on as if nothing had been. Compared: the rules (`/api/v1/rules`) without times, the slots of groups, the samples of rules and of ALERTS, and what a receiver is
told. With an Alertmanager: that it takes, groups and resolves our alerts.
"""

import argparse
import calendar
import collections
import http.server
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import peers

RULES = """
groups:
  - name: fast
    interval: 2s
    labels: {team: t}
    rules:
      - record: job:value:sum
        expr: sum by (job) (value)
        labels: {kind: sum}
      - record: job:value:double
        expr: job:value:sum * 2
      - alert: High
        expr: value > 5
        labels: {severity: '{{ if gt $value 8.0 }}page{{ else }}warn{{ end }}'}
        annotations: {summary: '{{ $labels.instance }} has {{ $value | humanize }} in {{ $externalLabels.region }}', all: '{{ $labels }}'}
      - alert: Slow
        expr: value > 5
        for: 4s
        keep_firing_for: 4s
        annotations: {n: '{{ with query "job:value:sum" }}{{ . | first | value }}{{ end }}'}
      - alert: Long
        expr: value > 5
        for: 30s
      - alert: Gone
        expr: up == 0
        for: 3s
  - name: broken
    interval: 2s
    limit: 1
    rules:
      - record: limited
        expr: value
      - record: bad
        expr: value * on(job) value
"""


class Exporter(peers.Target):
    value = 1
    fails = False

    def do_GET(self):
        if Exporter.fails:
            return self.send_error(503)
        super().do_GET()

    def text(self):
        return f'value{{n="1"}} {Exporter.value}\nvalue{{n="2"}} {Exporter.value + 4}\n'


class Receiver(http.server.BaseHTTPRequestHandler):
    told = collections.defaultdict(list)

    def do_POST(self):
        alerts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        # Alertmanager's webhook sends one object, Prometheus a list.
        Receiver.told[self.path.split("/")[1]] += alerts if isinstance(alerts, list) else [alerts]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def get(port, path, **parameters):
    url = f"http://127.0.0.1:{port}{path}?{urllib.parse.urlencode(parameters)}"
    return json.load(urllib.request.urlopen(url, timeout=10))["data"]


def without_order(error):
    """The two series of a match that is not unique are named in the order of the store."""
    return re.sub(r"\[(\{.*?\}), (\{.*?\})\]", lambda found: str(sorted(found.groups())), error)


def without_times(value):
    if isinstance(value, dict):
        return {k: without_order(v) if k == "lastError" else without_times(v) for k, v in value.items()
                if k not in ("evaluationTime", "lastEvaluation", "activeAt", "keepFiringSince", "file")}
    if isinstance(value, list):
        items = [without_times(item) for item in value]
        return sorted(items, key=json.dumps) if items and "labels" in items[0] and "state" in items[0] else items
    return value


def seconds(text):
    """A time of the API as seconds since 1970."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float("0." + (fraction or "0"))


def wait(port, path):
    for _ in range(150):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1)
            return
        except OSError:
            time.sleep(0.2)
    sys.exit(f"nothing answers on {port}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--prometheus", default=peers.program("PROMETHEUS_BIN", "prometheus"))
    parser.add_argument("--ours", default=peers.promenade())
    parser.add_argument("--alertmanager", default=peers.program("ALERTMANAGER_BIN", "alertmanager", "prometheus-alertmanager"))
    parser.add_argument("--minutes", type=float, default=0)
    options = parser.parse_args()
    if not options.prometheus:
        sys.exit(77)
    ports = their_port, our_port, manager = [peers.free_port() for _ in range(3)]
    exporter, receiver = (peers.listen(handler).server_port for handler in (Exporter, Receiver))
    problems = []
    processes = []
    servers = {}

    def start(who):
        servers[who] = subprocess.Popen(commands[who], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def compare(what):
        rules = [without_times(get(port, "/api/v1/rules")) for port in ports[:2]]
        # States between evaluations may differ for a moment.
        for _ in range(10):
            if rules[0] == rules[1]:
                break
            time.sleep(0.7)
            rules = [without_times(get(port, "/api/v1/rules")) for port in ports[:2]]
        if rules[0] != rules[1]:
            problems.append(f"rules {what}:\n  theirs {json.dumps(rules[0])}\n  ours   {json.dumps(rules[1])}")

    def active(port, name):
        alerts = [a for a in get(port, "/api/v1/alerts")["alerts"] if a["labels"]["alertname"] == name]
        return {json.dumps(a["labels"], sort_keys=True): seconds(a["activeAt"]) for a in alerts}

    def restart(round_):
        """Both servers end while Long is pending."""
        Exporter.value = 7
        time.sleep(12)
        before = [active(port, "Long") for port in ports[:2]]
        for who in servers:
            servers[who].kill() if round_ % 4 == 2 else servers[who].terminate()
            servers[who].wait(30)
        time.sleep(2)
        for who in servers:
            start(who)
        wait(their_port, "/-/ready")
        wait(our_port, "/-/ready")
        time.sleep(9)
        after = [active(port, "Long") for port in ports[:2]]
        print(f"restart {round_}: Long was active at {before}, then at {after}", flush=True)
        for labels in set(after[0]) | set(after[1]):
            theirs, ours = (found.get(labels) for found in after)
            if theirs is None or ours is None or abs(theirs - ours) > 3:
                problems.append(f"after restart {round_}: {labels} is active since {theirs} and {ours}")
        time.sleep(22)
        compare(f"after restart {round_}")
        Exporter.value = 1
        time.sleep(12)

    def outage():
        """The target fails for some seconds."""
        Exporter.fails = True
        time.sleep(9)
        compare("while the target fails")
        Exporter.fails = False
        time.sleep(6)
        compare("after the target failed")

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "r.yml").write_text(RULES)
        managers = ""
        if options.alertmanager:
            (folder / "am.yml").write_text(
                f"route: {{receiver: hook, group_wait: 1s, group_interval: 2s, group_by: [alertname]}}\n"
                f"receivers: [{{name: hook, webhook_configs: [{{url: 'http://127.0.0.1:{receiver}/hook'}}]}}]\n")
            processes.append(subprocess.Popen(
                [*peers.alertmanager(options.alertmanager), f"--config.file={folder}/am.yml", f"--storage.path={folder}/am", "--cluster.listen-address=",
                 f"--web.listen-address=127.0.0.1:{manager}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            managers = f"\n    - static_configs: [{{targets: ['127.0.0.1:{manager}']}}]"
        for who in ("theirs", "ours"):
            extra = managers if who == "ours" else ""
            (folder / f"{who}.yml").write_text(f"""
global: {{scrape_interval: 1s, evaluation_interval: 2s, external_labels: {{region: eu}}}}
rule_files: [{folder}/r.yml]
alerting:
  alert_relabel_configs: [{{regex: n, action: labeldrop}}]
  alertmanagers:
    - path_prefix: /{who}
      static_configs: [{{targets: ['127.0.0.1:{receiver}']}}]{extra}
scrape_configs: [{{job_name: x, static_configs: [{{targets: ['127.0.0.1:{exporter}']}}]}}]
""")
        flags = ["--rules.alert.resend-delay=2s", "--rules.alert.for-grace-period=4s"]
        commands = {
            "theirs": [options.prometheus, f"--config.file={folder}/theirs.yml", f"--storage.tsdb.path={folder}/theirs",
             f"--web.listen-address=127.0.0.1:{their_port}", *flags],
            "ours": [options.ours, "run", f"--config.file={folder}/ours.yml", f"--storage.path={folder}/ours", "--no-demo.enabled",
             "--no-pushgateway.enabled", f"--web.listen-address=127.0.0.1:{our_port}", *flags]}
        for who in commands:
            start(who)
        try:
            wait(their_port, "/-/ready")
            wait(our_port, "/-/ready")
            # Neither was there first, as far as alerts can tell.
            time.sleep(6)
            end = time.time() + options.minutes * 60
            rounds = 0
            while True:
                # The last round is undisturbed: what it leaves is compared below.
                isLast = time.time() + 48 >= end
                if not isLast and rounds % 2 == 0:
                    restart(rounds)
                elif not isLast:
                    outage()
                for value, wanted in [(1, 8), (3, 10), (7, 12), (1, 14)]:
                    Exporter.value = value
                    time.sleep(wanted)
                    compare(f"at {value} in round {rounds}")
                rounds += 1
                print(f"round {rounds}: {len(problems)} differences, told {len(Receiver.told['theirs'])} and {len(Receiver.told['ours'])}", flush=True)
                if isLast:
                    break
            slots = [[group["lastEvaluation"] for group in get(port, "/api/v1/rules")["groups"]] for port in ports[:2]]
            print("last evaluations:", slots)
            now = time.time()
            for query in ["job:value:sum", "job:value:double", "ALERTS", "ALERTS_FOR_STATE", "limited"]:
                found = []
                for port in ports[:2]:
                    answer = get(port, "/api/v1/query_range", query=f"count({query})", start=now - 24, end=now - 4, step=2)
                    found.append([v[1] for r in answer["result"] for v in r["values"]])
                # The two see a value one scrape apart, so that one may have another evaluation at either end of the span.
                theirs, ours = found
                if len(theirs) - len(ours) not in (-1, 0, 1) or not set(theirs[1:-1]) <= set(ours) or not set(ours[1:-1]) <= set(theirs):
                    problems.append(f"{query}: {found}")
            time.sleep(4)
            told = {}
            for who in ("theirs", "ours"):
                told[who] = {(json.dumps(a["labels"], sort_keys=True), json.dumps(a.get("annotations"), sort_keys=True))
                             for a in Receiver.told[who]}
            if told["theirs"] != told["ours"]:
                problems.append(f"told:\n  only theirs {told['theirs'] - told['ours']}\n  only ours {told['ours'] - told['theirs']}")
            keys = {who: {tuple(sorted(a)) for a in Receiver.told[who]} for who in ("theirs", "ours")}
            if keys["theirs"] != keys["ours"]:
                problems.append(f"fields: {keys}")
            print(f"told: {len(Receiver.told['theirs'])} by theirs, {len(Receiver.told['ours'])} by ours")
            if options.alertmanager:
                statuses = {notification["status"] for notification in Receiver.told["hook"]}
                if statuses != {"firing", "resolved"}:
                    problems.append(f"Alertmanager passed on: {statuses}")
        finally:
            for process in [*servers.values(), *processes]:
                process.terminate()
                process.wait(20)
    for problem in problems:
        print(problem)
    print("differences:", len(problems))
    sys.exit(1 if problems else 0)


main()
