#!/usr/bin/env python3
"""Notices to real Alertmanagers: found by name, file and server, behind TLS and passwords, killed, hanging, and told at the end.

    alertmanager_test.py [--alertmanager ALERTMANAGER] [--ours PROMENADE]

The programs are ALERTMANAGER_BIN and PROMENADE_BIN, or those of PATH; without an Alertmanager or openssl it exits with 77.
"""
import argparse
import base64
import http.server
import json
import os
import shutil
import signal
import socketserver
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, os.path.dirname(__file__))
import peers

PASSWORD, HASH = "prometheus", "$2b$04$dR.LQ7jVJ4FOxQqty46J9uRpU9foyfJFmPZL0IYli1j8DC.VR3ZOi"
RULES = """
groups:
  - name: g
    interval: 1s
    rules:
      - {alert: Always, expr: 'vector(3)', labels: {severity: page, replica: a}, annotations: {summary: 'is {{ $value }}'}}
      - {alert: Silent, expr: 'vector(1)'}
      - {alert: Many, expr: 'sum by (n) (many) > 0'}
"""


class Finder(http.server.BaseHTTPRequestHandler):
    """Tells of Alertmanagers, and is a target of 600 series."""
    targets = []

    def do_GET(self):
        if self.path == "/metrics":
            kind, body = "text/plain", "".join(f'many{{n="{n}"}} {Finder.many}\n' for n in range(600))
        else:
            kind, body = "application/json", json.dumps([{"targets": Finder.targets}])
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body.encode())

    many = 0

    def log_message(self, *_):
        pass


class Manager:
    """An Alertmanager with its address, and how to ask it."""

    def __init__(self, binary, folder, name, flags=(), web=None, prefix="", context=None):
        self.folder = folder / name
        self.folder.mkdir()
        (self.folder / "am.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
        self.address = f"{peers.HOST}:{peers.free_port()}"
        self.prefix, self.context = prefix, context
        self.command = [*peers.alertmanager(binary), f"--config.file={self.folder}/am.yml", f"--storage.path={self.folder}/data", "--cluster.listen-address=",
                        f"--web.listen-address={self.address}", *flags]
        if web:
            (self.folder / "web.yml").write_text(web)
            self.command.append(f"--web.config.file={self.folder}/web.yml")
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def alerts(self):
        """The alerts by name, as it has them; None where it does not answer."""
        request = urllib.request.Request(f"{'https' if self.context else 'http'}://{self.address}{self.prefix}/api/v2/alerts")
        if self.context:
            request.add_header("Authorization", "Basic " + base64.b64encode(f"prom:{PASSWORD}".encode()).decode())
        try:
            found = {}
            for alert in json.load(urllib.request.urlopen(request, timeout=5, context=self.context)):
                found.setdefault(alert["labels"]["alertname"], []).append(alert)
            return found
        except OSError:
            return None

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(how)
        self.process.wait(20)


def until(what, condition, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"never: {what}")


def certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", folder / "key.pem", "-out", folder / "cert.pem",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    return ssl.create_default_context(cafile=folder / "cert.pem")


def run(options, folder):
    context = certificate(folder)
    web = f"tls_server_config: {{cert_file: {folder}/cert.pem, key_file: {folder}/key.pem}}\nbasic_auth_users: {{prom: '{HASH}'}}\n"
    managers = {
        "tls": Manager(options.alertmanager, folder, "tls", web=web, context=context),
        "file": Manager(options.alertmanager, folder, "file", ["--web.route-prefix=/am"], prefix="/am"),
        "http": Manager(options.alertmanager, folder, "http"),
    }
    finder = peers.listen(Finder).server_port
    Finder.targets = [managers["http"].address]
    (folder / "am.json").write_text(json.dumps([{"targets": [managers["file"].address], "labels": {"team": "x"}}]))
    (folder / "r.yml").write_text(RULES)
    (folder / "c.yml").write_text(f"""
global: {{scrape_interval: 1s, external_labels: {{region: eu, replica: external}}}}
rule_files: [r.yml]
scrape_configs: [{{job_name: many, static_configs: [{{targets: ['{peers.HOST}:{finder}']}}]}}]
alerting:
  alert_relabel_configs:
    - {{action: labeldrop, regex: replica}}
    - {{action: drop, source_labels: [alertname], regex: Silent}}
  alertmanagers:
    - scheme: https
      tls_config: {{ca_file: cert.pem}}
      basic_auth: {{username: prom, password: {PASSWORD}}}
      static_configs: [{{targets: ['{managers["tls"].address}', 'nobody:1']}}]
      relabel_configs: [{{action: drop, source_labels: [__address__], regex: 'nobody.*'}}]
    - path_prefix: /am
      timeout: 2s
      file_sd_configs: [{{files: [am.json]}}]
      alert_relabel_configs: [{{target_label: from, replacement: file}}]
    - http_sd_configs: [{{url: 'http://{peers.HOST}:{finder}/sd', refresh_interval: 1s}}]
""")
    # Who is told too early has failed once, which is counted below.
    for name, manager in managers.items():
        until(f"{name} is there", lambda: manager.alerts() is not None)
    address = f"{peers.HOST}:{peers.free_port()}"
    ours = subprocess.Popen([options.ours, "run", f"--config.file={folder}/c.yml", f"--storage.path={folder}/data", f"--web.listen-address={address}",
                             "--no-demo.enabled", "--no-pushgateway.enabled", "--rules.alert.resend-delay=2s", "--log.level=error"],
                            stdout=subprocess.DEVNULL)

    def figures(name):
        lines = peers.get(address, "/metrics")[2].decode().splitlines()
        return {line.split('"')[1]: float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"prometheus_notifications_{name}{{")}

    try:
        for name, manager in managers.items():
            until(f"the first alert at {name}", lambda m=manager: "Always" in (m.alerts() or {}))
            alerts = manager.alerts()
            assert set(alerts) == {"Always"}, alerts
            alert = alerts["Always"][0]
            wanted = {"alertname": "Always", "severity": "page", "region": "eu", **({"from": "file"} if name == "file" else {})}
            assert alert["labels"] == wanted, alert
            assert alert["annotations"] == {"summary": "is 3"} and alert["status"]["state"] == "active", alert
            assert "/graph?g0.expr=vector%283%29&g0.tab=1" in alert["generatorURL"], alert
        shown = json.loads(peers.get(address, "/api/v1/alertmanagers")[2])["data"]
        urls = {"tls": f"https://{managers['tls'].address}/api/v2/alerts", "file": f"http://{managers['file'].address}/am/api/v2/alerts",
                "http": f"http://{managers['http'].address}/api/v2/alerts"}
        assert {x["url"] for x in shown["activeAlertmanagers"]} == set(urls.values()), shown
        assert shown["droppedAlertmanagers"] == [{"url": "https://nobody:1/api/v2/alerts"}], shown
        print("found by name behind TLS and a password, by file and by server; relabelled")

        Finder.many = 1
        until("600 alerts", lambda: len((managers["http"].alerts() or {}).get("Many", [])) == 600)
        until("600 alerts behind TLS", lambda: len((managers["tls"].alerts() or {}).get("Many", [])) == 600)
        Finder.many = 0
        until("no alert is left", lambda: "Many" not in (managers["http"].alerts() or {"Many": 1}))
        print("600 alerts in batches, and resolved")

        managers["http"].stop(signal.SIGKILL)
        until("failures are counted", lambda: figures("errors_total").get(urls["http"], 0) > 0)
        failed = figures("errors_total")
        assert set(u for u, n in failed.items() if n) == {urls["http"]}, failed
        until("what failed is dropped", lambda: figures("dropped_total")[urls["http"]] == figures("errors_total")[urls["http"]])
        managers["http"].start()
        until("it is told again", lambda: "Always" in (managers["http"].alerts() or {}))
        print("killed, and told again after its start")

        managers["file"].process.send_signal(signal.SIGSTOP)
        before = figures("sent_total")
        until("it hangs", lambda: figures("errors_total").get(urls["file"], 0) > 0)
        until("the others are told", lambda: all(figures("sent_total")[urls[n]] > before[urls[n]] + 1 for n in ("tls", "http")))
        assert peers.get(address, "/-/ready")[0] == 200
        managers["file"].process.send_signal(signal.SIGCONT)
        print("hanging, and nobody else waits")

        Finder.targets = []
        until("it is gone", lambda: len(json.loads(peers.get(address, "/api/v1/alertmanagers")[2])["data"]["activeAlertmanagers"]) == 2)
        until("its figures are gone", lambda: urls["http"] not in figures("sent_total"))
        print("gone, with its figures")

        managers["file"].process.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        begin = time.monotonic()
        ours.terminate()
        ours.wait(30)
        assert time.monotonic() - begin < 15, "the end waited for one that hangs"
        print(f"ended in {time.monotonic() - begin:.1f} s while one hangs")
    finally:
        for manager in managers.values():
            manager.stop(signal.SIGKILL)
        if ours.poll() is None:
            ours.kill()
            ours.wait()


class Names(socketserver.BaseRequestHandler):
    """A name server for names of one zone: addresses, and services as (port, name)."""
    HOST = "127.77.0.53"
    records = {}
    fails = False

    @staticmethod
    def encoded(name):
        return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"

    def handle(self):
        query, socket = self.request
        place, parts = 12, []
        while query[place]:
            parts.append(query[place + 1:place + 1 + query[place]].decode().lower())
            place += 1 + query[place]
        kind = struct.unpack(">H", query[place + 1:place + 3])[0]
        answers = []
        for record in Names.records.get(".".join(parts), []):
            if kind == 1 and isinstance(record, str):
                answers.append(bytes(int(n) for n in record.split(".")))
            elif kind == 33 and isinstance(record, tuple):
                answers.append(struct.pack(">HHH", 0, 0, record[0]) + self.encoded(record[1]))
        outcome = 0x8582 if Names.fails else 0x8580 if ".".join(parts) in Names.records else 0x8583
        head = query[:2] + struct.pack(">HHHHH", outcome, 1, len(answers), 0, 0)
        body = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 1, len(data)) + data for data in answers)
        socket.sendto(head + query[12:place + 5] + body, self.client_address)


def named(options, folder):
    """Alertmanagers that are found in the domain name system: by an address and a port, and as a service."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        return print("skipped: only root can have a name server and a resolv.conf of its own")
    folder.mkdir()
    server = socketserver.ThreadingUDPServer((Names.HOST, 53), Names)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (folder / "resolv.conf").write_text(f"nameserver {Names.HOST}\n")
    managers = {name: Manager(options.alertmanager, folder, name) for name in ("address", "service")}
    ports = {name: int(manager.address.rsplit(":", 1)[1]) for name, manager in managers.items()}
    Names.records = {"am.test": ["127.0.0.1"], "_am._tcp.test": [(ports["service"], "host.test")], "host.test": ["127.0.0.1"]}
    (folder / "r.yml").write_text(RULES)
    (folder / "c.yml").write_text(f"""
rule_files: [r.yml]
alerting:
  alertmanagers:
    - dns_sd_configs: [{{names: [am.test], type: A, port: {ports["address"]}, refresh_interval: 1s}}]
    - dns_sd_configs: [{{names: [_am._tcp.test], refresh_interval: 1s}}]
      relabel_configs: [{{source_labels: [__meta_dns_srv_record_target], regex: 'host.test.', action: keep}}]
""")
    address = f"{peers.HOST}:{peers.free_port()}"
    ours = subprocess.Popen(["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', f"{folder}/resolv.conf",
                             options.ours, "run", f"--config.file={folder}/c.yml", f"--storage.path={folder}/data",
                             f"--web.listen-address={address}", "--no-demo.enabled", "--no-pushgateway.enabled", "--rules.alert.resend-delay=1s",
                             "--log.level=error"], stdout=subprocess.DEVNULL)
    active = lambda: {x["url"] for x in json.loads(peers.get(address, "/api/v1/alertmanagers")[2])["data"]["activeAlertmanagers"]}
    try:
        for name, manager in managers.items():
            until(f"the first alert at {name}", lambda m=manager: {"Always", "Silent"} == set(m.alerts() or {}))
        urls = {f"http://127.0.0.1:{ports['address']}/api/v2/alerts", f"http://host.test:{ports['service']}/api/v2/alerts"}
        assert active() == urls, active()
        moved = Manager(options.alertmanager, folder, "moved")
        managers["moved"] = moved
        port = int(moved.address.rsplit(":", 1)[1])
        Names.records = {**Names.records, "_am._tcp.test": [(port, "host.test")]}
        until("the first alert where the service moved", lambda: "Always" in (moved.alerts() or {}))
        assert active() == {f"http://127.0.0.1:{ports['address']}/api/v2/alerts", f"http://host.test:{port}/api/v2/alerts"}, active()
        # What cannot be looked up stays as it was; what is said not to be there goes.
        Names.fails = True
        time.sleep(2.5)
        assert len(active()) == 2, active()
        Names.fails, Names.records = False, {}
        until("they are gone", lambda: active() == set())
        print("found by address and as a service in the domain name system, moved, kept while it fails, and gone")
    finally:
        server.shutdown()
        for manager in managers.values():
            manager.stop(signal.SIGKILL)
        ours.terminate()
        ours.wait(30)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--alertmanager", default=peers.program("ALERTMANAGER_BIN", "alertmanager", "prometheus-alertmanager"))
    parser.add_argument("--ours", default=peers.promenade())
    options = parser.parse_args()
    if not options.alertmanager or not shutil.which("openssl"):
        sys.exit(77)
    with tempfile.TemporaryDirectory() as name:
        run(options, Path(name))
        named(options, Path(name) / "named")


main()
