#!/usr/bin/env python3
"""Rules and alerts beside a real Prometheus: both scrape the same exporter by the same rule files and tell the same receiver.

    rules_live.py --prometheus PROMETHEUS --ours PROMENADE [--alertmanager ALERTMANAGER]

Compared: the rules (`/api/v1/rules`) without times, the slots of groups, the samples of rules and of ALERTS, and what a receiver is
told. With an Alertmanager: that it takes, groups and resolves our alerts.
"""

import argparse
import collections
import http.server
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

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
  - name: broken
    interval: 2s
    limit: 1
    rules:
      - record: limited
        expr: value
      - record: bad
        expr: value * on(job) value
"""


class Exporter(http.server.BaseHTTPRequestHandler):
    value = 1

    def do_GET(self):
        body = f'value{{n="1"}} {Exporter.value}\nvalue{{n="2"}} {Exporter.value + 4}\n'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


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


def serve(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


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
    parser.add_argument("--prometheus", required=True)
    parser.add_argument("--ours", required=True)
    parser.add_argument("--alertmanager")
    options = parser.parse_args()
    exporter, receiver = serve(Exporter), serve(Receiver)
    problems = []
    processes = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "r.yml").write_text(RULES)
        managers = ""
        if options.alertmanager:
            (folder / "am.yml").write_text(
                f"route: {{receiver: hook, group_wait: 1s, group_interval: 2s, group_by: [alertname]}}\n"
                f"receivers: [{{name: hook, webhook_configs: [{{url: 'http://127.0.0.1:{receiver}/hook'}}]}}]\n")
            processes.append(subprocess.Popen(
                [options.alertmanager, f"--config.file={folder}/am.yml", f"--storage.path={folder}/am", "--cluster.listen-address=",
                 "--web.listen-address=127.0.0.1:9793"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            managers = "\n    - static_configs: [{targets: ['127.0.0.1:9793']}]"
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
        flags = ["--rules.alert.resend-delay=2s"]
        processes.append(subprocess.Popen(
            [options.prometheus, f"--config.file={folder}/theirs.yml", f"--storage.tsdb.path={folder}/theirs",
             "--web.listen-address=127.0.0.1:9790", *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        processes.append(subprocess.Popen(
            [options.ours, "run", f"--config.file={folder}/ours.yml", f"--storage.path={folder}/ours", "--no-demo.enabled",
             "--no-pushgateway.enabled", "--web.listen-address=127.0.0.1:9791", *flags],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        try:
            wait(9790, "/-/ready")
            wait(9791, "/-/ready")
            for value, seconds in [(1, 8), (3, 10), (7, 12), (1, 14)]:
                Exporter.value = value
                time.sleep(seconds)
                rules = [without_times(get(port, "/api/v1/rules")) for port in (9790, 9791)]
                # States between evaluations may differ for a moment.
                for _ in range(10):
                    if rules[0] == rules[1]:
                        break
                    time.sleep(0.7)
                    rules = [without_times(get(port, "/api/v1/rules")) for port in (9790, 9791)]
                if rules[0] != rules[1]:
                    problems.append(f"rules at {value}:\n  theirs {json.dumps(rules[0])}\n  ours   {json.dumps(rules[1])}")
            slots = [[group["lastEvaluation"] for group in get(port, "/api/v1/rules")["groups"]] for port in (9790, 9791)]
            print("last evaluations:", slots)
            now = time.time()
            for query in ["job:value:sum", "job:value:double", "ALERTS", "ALERTS_FOR_STATE", "limited"]:
                found = []
                for port in (9790, 9791):
                    answer = get(port, "/api/v1/query_range", query=f"count({query})", start=now - 24, end=now - 4, step=2)
                    found.append([v[1] for r in answer["result"] for v in r["values"]])
                if len(found[0]) - len(found[1]) not in (-1, 0, 1) or set(found[0]) != set(found[1]):
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
            for process in processes:
                process.terminate()
                process.wait(20)
    for problem in problems:
        print(problem)
    print("differences:", len(problems))
    sys.exit(1 if problems else 0)


main()
