"""What a page of another origin can do, and what is shown to whom: hosts, origins, headers, secrets, files."""
import base64
import html
import http.server
import json
import os
import re
import stat
import tempfile
import urllib.parse

from attack import attack
from stack import Stack, check, until

import peers

ALL_FLAGS = ("--web.enable-lifecycle", "--web.enable-admin-api", "--web.enable-remote-write-receiver", "--web.enable-otlp-receiver",
             "--pushgateway.enable-lifecycle", "--pushgateway.enable-admin-api")

# What changes something, by server.
CHANGES = [
    ("prometheus", "POST", "/-/reload"), ("prometheus", "PUT", "/-/reload"), ("prometheus", "POST", "/-/quit"),
    ("prometheus", "PUT", "/-/quit"),
    ("prometheus", "POST", "/api/v1/admin/tsdb/delete_series?match[]=up"), ("prometheus", "PUT", "/api/v1/admin/tsdb/delete_series?match[]=up"),
    ("prometheus", "POST", "/api/v1/admin/tsdb/clean_tombstones"), ("prometheus", "POST", "/api/v1/admin/tsdb/snapshot"),
    ("prometheus", "POST", "/api/v1/scrape"), ("prometheus", "POST", "/api/v1/scrape?job=watch"), ("prometheus", "POST", "/api/v1/demo?do=stop"),
    ("prometheus", "POST", "/api/v1/clock?advance=1h"), ("prometheus", "POST", "/api/v1/targets/x"), ("prometheus", "PUT", "/api/v1/targets/x"),
    ("prometheus", "DELETE", "/api/v1/targets/x"), ("prometheus", "DELETE", "/api/v1/faults"), ("prometheus", "PUT", "/api/v1/faults/targets/x"),
    ("prometheus", "PUT", "/api/v1/faults/pushgateway"), ("prometheus", "POST", "/api/v1/write"), ("prometheus", "POST", "/api/v1/otlp/v1/metrics"),
    ("prometheus", "POST", "/api/v1/learn/first"), ("pushgateway", "PUT", "/metrics/job/x"), ("pushgateway", "POST", "/metrics/job/x"),
    ("pushgateway", "DELETE", "/metrics/job/x"), ("pushgateway", "POST", "/metrics/job@base64/eA"), ("pushgateway", "PUT", "/api/v1/admin/wipe"),
    ("pushgateway", "PUT", "/-/quit"), ("pushgateway", "POST", "/-/quit"), ("demo", "POST", "/api/v1/demo?do=stop"),
]
FOREIGN = [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://localhost.evil.example"},
           {"Origin": "http://localhost:1"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
           {"Origin": "https://evil.example", "Content-Type": "text/plain"}]


@attack("pages from elsewhere change", "every change asked for by a foreign page: 403, and nothing is changed", short=True)
def changes(short):
    with Stack(*ALL_FLAGS) as stack:
        stack.request("/metrics/job/x", "PUT", b"kept 1\n", server="pushgateway")
        asked = 0
        for server, method, path in CHANGES:
            for headers in FOREIGN:
                status, _, body = stack.request(path, method, b"", headers, server)
                check(status == 403, f"{method} {path} with {headers}: {status} {body[:80]!r}")
                asked += 1
        check(stack.is_alive(), "it has quit")
        check(b"kept" in stack.request("/metrics", server="pushgateway")[2], "the push is gone")
        return f"{asked} of {asked} refused"


@attack("pages from elsewhere read", "no answer allows another origin to read it; a foreign Host is refused everywhere (DNS rebinding)", short=True)
def reads(short):
    paths = ["/", "/query", "/targets", "/config", "/metrics", "/api/v1/query?query=up", "/api/v1/targets", "/api/v1/status/config",
             "/api/v1/status/flags", "/api/v1/events", "/api/v1/stack", "/api/v1/targets/last_scrape?job=prometheus", "/federate?match[]=up",
             "/api/v1/pushes", "/api/v1/metrics", "/api/v1/groups", "/status", "/-/healthy", "/nothing", "/assets/x", "/api/v1/nothing"]
    hosts = ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example:9090", "[::2]", "169.254.1.1", "0.0.0.0.evil"]
    with Stack(*ALL_FLAGS) as stack:
        asked = 0
        for server in ("prometheus", "pushgateway", "demo"):
            for path in paths:
                for method in ("GET", "OPTIONS"):
                    for origin in ("https://evil.example", "null"):
                        headers = stack.request(path, method, headers={"Origin": origin}, server=server)[1]
                        told = headers.get("Access-Control-Allow-Origin")
                        check(told is None, f"{server} {method} {path}: Access-Control-Allow-Origin: {told}")
                        asked += 1
                for host in hosts:
                    status = stack.request(path, headers={"Host": host}, server=server)[0]
                    check(status == 403, f"{server} {path} for {host}: {status}")
                    asked += 1
        return f"{asked} requests, none"


@attack("what runs in a browser", "every answer that is shown has a policy and nosniff; markup in names, labels, help, errors stays text", short=True)
def markup(short):
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'"
    quoted = urllib.parse.quote(evil, safe="")
    with Stack(*ALL_FLAGS) as stack:
        text = f'# HELP evil {evil}\n# TYPE evil gauge\nevil{{a="{evil.replace(chr(34), "")}"}} 1\n'
        stack.request("/metrics/job/" + quoted, "PUT", text.encode(), server="pushgateway")
        stack.request("/api/v1/scrape?wait=true", "POST")
        asked = 0
        for server in ("prometheus", "pushgateway", "demo"):
            for path in ["/", "/query?g0.expr=" + quoted, "/graph?g0.expr=" + quoted, "/targets?search=" + quoted, "/" + quoted, "/status", "/metrics",
                         "/api/v1/query?query=" + quoted, "/api/v1/" + quoted, "/assets/" + quoted, "/api/v1/label/" + quoted + "/values",
                         "/metrics/job/" + quoted, "/api/v1/metrics", "/api/v1/groups", "/api/v1/pushes", "/learn", "/api/v1/learn/" + quoted,
                         "/series/" + quoted, "/api/v1/targets/metadata?metric=" + quoted, "/federate?match[]=" + quoted]:
                for method in ("GET", "POST", "DELETE", "PATCH"):
                    status, headers, body = stack.request(path, method, b"" if method == "POST" else None, server=server)
                    asked += 1
                    kind = (headers.get("Content-Type") or "").split(";")[0]
                    # What a browser saves and does not show needs none.
                    if not kind.startswith("application/"):
                        check(headers.get("Content-Security-Policy"), f"{server} {method} {path[:30]}: {status} without a policy")
                        check(headers.get("X-Content-Type-Options") == "nosniff", f"{server} {method} {path[:30]}: no nosniff")
                    if kind == "text/html":
                        check(evil.encode() not in body and b"<script>alert" not in body, f"{server} {path[:40]}: markup in the page")
                        check("'unsafe-inline'" not in re.sub(r"style-src[^;]*", "", headers["Content-Security-Policy"]), "inline scripts allowed")
        return f"{asked} answers"


class Protected(http.server.BaseHTTPRequestHandler):
    """A target, a discovery and a token server that ask for everything, and repeat nothing."""

    seen = []

    def answer(self):
        Protected.seen.append((self.path, dict(self.headers)))
        body, kind = b"secured 1\n", "text/plain; version=0.0.4"
        if "token" in self.path:
            body, kind = json.dumps({"access_token": PLANTED["token"], "token_type": "Bearer"}).encode(), "application/json"
        if "sd" in self.path:
            body, kind = b"[]", "application/json"
        if "refuse" in self.path:
            self.send_response(401)
        else:
            self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.answer()

    def do_GET(self):
        self.answer()

    def log_message(self, *_):
        pass


PLANTED = {name: f"planted-{name}-7d1f" for name in (
    "password", "bearer", "client", "token", "header", "urlpassword", "filepassword", "pushpassword", "cookie", "apikey", "proxy",
    "webpassword", "alertpassword", "sdpassword", "guess", "queryuser", "rwbearer")}


@attack("planted secrets", "none shown by any endpoint, page, error, log line or database file", short=True)
def secrets(short):
    p = PLANTED
    server = peers.listen(Protected)
    address = f"127.0.0.1:{server.server_port}"
    with tempfile.TemporaryDirectory() as folder:
        password_file = os.path.join(folder, "password")
        with open(password_file, "w") as file:
            file.write(p["filepassword"])
        config = f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - {{job_name: basic, static_configs: [{{targets: ['{address}']}}], basic_auth: {{username: u, password: '{p["password"]}'}}}}
  - {{job_name: file, static_configs: [{{targets: ['{address}']}}], basic_auth: {{username: u, password_file: '{password_file}'}}}}
  - {{job_name: refused, metrics_path: /refuse, static_configs: [{{targets: ['{address}']}}], authorization: {{credentials: '{p["bearer"]}'}}}}
  - job_name: oauth
    static_configs: [{{targets: ['{address}']}}]
    oauth2: {{client_id: c, client_secret: '{p["client"]}', token_url: 'http://{address}/token'}}
  - job_name: refusedoauth
    static_configs: [{{targets: ['{address}']}}]
    oauth2: {{client_id: c, client_secret: '{p["client"]}', token_url: 'http://{address}/refuse'}}
  - job_name: headers
    static_configs: [{{targets: ['{address}']}}]
    http_headers: {{X-Key: {{secrets: ['{p["header"]}']}}}}
  - job_name: proxied
    proxy_url: 'http://u:{p["proxy"]}@127.0.0.1:1'
    static_configs: [{{targets: ['{address}']}}]
  - job_name: discovered
    http_sd_configs:
      - {{url: 'http://{address}/sd', refresh_interval: 1s, basic_auth: {{username: u, password: '{p["sdpassword"]}'}}}}
      - {{url: 'http://{address}/refuse', refresh_interval: 1s}}
alerting:
  alertmanagers:
    - static_configs: [{{targets: ['{address}']}}]
      basic_auth: {{username: u, password: '{p["alertpassword"]}'}}
"""
        data = os.path.join(folder, "data")
        with Stack(*ALL_FLAGS, "--log.level=debug", config=config, folder=data) as stack:
            until(lambda: len({path for path, _ in Protected.seen}) >= 4 and stack.result('up{job="basic"} == 1'))
            until(lambda: stack.result('up{job="refused"} == 0') and stack.result('up{job="proxied"} == 0'))
            word = base64.b64encode(f"u:{p['pushpassword']}".encode()).decode()
            stack.request("/metrics/job/secret", "PUT", b"pushed 1\n", server="pushgateway", headers={
                "Authorization": f"Basic {word}", "Cookie": f"session={p['cookie']}", "X-Api-Key": p["apikey"]})
            stack.request("/metrics/job/broken", "PUT", b"broken {\n", server="pushgateway", headers={
                "Authorization": f"Bearer {p['pushpassword']}", "Proxy-Authorization": f"Basic {word}"})
            stack.request("/api/v1/query?query=up", headers={"Authorization": f"Bearer {p['queryuser']}", "Cookie": f"s={p['cookie']}"})
            stack.request("/api/v1/write", "POST", b"x", {"Authorization": f"Bearer {p['rwbearer']}"})
            # Mistakes beside secrets: the words of the error must not have them.
            for wrong in (f"scrape_configs: [{{job_name: a, basic_auth: {{username: u, password: '{p['password']}', nothing: 1}}}}]",
                          f"scrape_configs: [{{job_name: a, bearer_token: '{p['bearer']}', authorization: {{credentials: '{p['bearer']}'}}}}]",
                          f"scrape_configs: [{{job_name: a, authorization: {{type: basic, credentials: '{p['bearer']}'}}}}]",
                          f"scrape_configs: [{{job_name: a, http_sd_configs: [{{url: 'http://u:{p['urlpassword']}@'}}]}}]",
                          f"scrape_configs: [{{job_name: a, proxy_url: 'http://u:{p['proxy']}@[', static_configs: []}}]",
                          f"scrape_configs: [{{job_name: a, oauth2: {{client_id: a, client_secret: {{x: '{p['client']}'}}, token_url: x}}}}]",
                          f"scrape_configs: [{{job_name: a, basic_auth: {{password: ['{p['password']}']}}}}]"):
                with open(stack.config_path, "w") as file:
                    file.write(wrong)
                stack.request("/-/reload", "POST")
            with open(stack.config_path, "w") as file:
                file.write(config)
            stack.request("/-/reload", "POST")
            shown = {}
            for name, place in _everything(stack):
                status, headers, body = stack.request(place, server=name)
                shown[f"{name} {place}"] = body.decode(errors="replace") + str(headers)
            shown["the log"] = stack.log()
            for place, text in shown.items():
                for form in (text, html.unescape(text), urllib.parse.unquote(text)):
                    for kind, secret in p.items():
                        packed = [base64.b64encode(f"u:{secret}".encode()).decode().rstrip("="), base64.b64encode(secret.encode()).decode().rstrip("=")]
                        for word in [secret] + packed:
                            check(word not in form, f"{kind} is in {place}")
            modes = {}
            for root, folders, files in os.walk(data):
                modes[root] = stat.S_IMODE(os.stat(root).st_mode)
                for file in files:
                    path = os.path.join(root, file)
                    modes[path] = stat.S_IMODE(os.stat(path).st_mode)
                    with open(path, "rb") as content:
                        stored = content.read()
                    for kind, secret in p.items():
                        check(secret.encode() not in stored, f"{kind} is in {file}")
            loose = [path for path, mode in modes.items() if mode & 0o077]
            check(not loose, f"others may read {loose}")
        server.shutdown()
        server.server_close()
        return f"{len(p)} secrets, {len(shown)} places, {len(modes)} files of the owner alone"


def _everything(stack):
    api = ["query?query=up", "query_range?query=up&start=0&end=1&step=1", "query_exemplars?query=up&start=0&end=1", "series?match[]=up", "labels",
           "label/job/values", "metadata", "targets", "targets?state=dropped", "targets/metadata", "targets/relabel_steps?scrapePool=basic&labels=%7B%7D",
           "scrape_pools", "alertmanagers", "rules", "alerts", "inbox", "status/config", "status/runtimeinfo", "status/buildinfo", "status/flags",
           "status/stack", "status/tsdb", "status/tsdb/blocks", "status/walreplay", "features", "notifications", "demo", "clock", "clock/marks", "faults",
           "events", "events?limit=10000", "stack", "stack/pushed", "otlp/received", "learn/first", "explain?query=up", "format_query?query=up"]
    for job in ("basic", "file", "refused", "oauth", "refusedoauth", "headers", "proxied", "discovered", "nothing"):
        api += [f"targets/last_scrape?job={job}", f"targets/sample_labels?job={job}", f"scrape_pools/config?job={job}",
                f"scrape_pools/config?scrapePool={job}", f"targets?scrapePool={job}"]
        api.append("targets/last_scrape?" + urllib.parse.urlencode({"scrapePool": job}))
    pages = ["/", "/query", "/graph", "/alerts", "/rules", "/targets", "/service-discovery", "/status", "/tsdb-status", "/flags", "/config",
             "/learn", "/metrics", "/version", "/federate?match[]={__name__=~%22.%2B%22}", "/nothing"]
    for path in pages + ["/api/v1/" + path for path in api]:
        yield "prometheus", path
    for path in ["/", "/status", "/metrics", "/api/v1/metrics", "/api/v1/status", "/api/v1/groups", "/api/v1/groups/metrics/job/secret",
                 "/api/v1/stack", "/api/v1/pushes"] + [f"/api/v1/pushes/{number}" for number in range(0, 8)]:
        yield "pushgateway", path
    for path in ["/", "/metrics", "/api/v1/stack", "/api/v1/demo"]:
        yield "demo", path
