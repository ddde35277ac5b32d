#!/usr/bin/env python3
"""Records what real servers answer, for `swift test` to replay on machines that have none.

    record.py [queries] [api] [expositions] [pushes] [rules] [rulefiles] [configs]    all of them without an argument

Everything that is asked is drawn from the generators of the comparisons in this folder, with fixed seeds and fixed times. Each
question is asked twice of one server and once of a second one; what they answer differently from one time to the next is not
recorded, or recorded as undetermined. The files in recorded/ are lines of JSON, packed without a time, so that recording the same
answers again gives the same bytes. The servers are taken from PROMETHEUS_BIN and PUSHGATEWAY_BIN or PATH.
"""
import base64
import gzip
import http.server
import json
import os
import random
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(__file__))
import api_differential as api
import config_cases
import differences
import peers
import push_differential as push
import query_differential as queries
import rule_differential as rules
import rule_file_cases
import remote_write
import scrape_cases
import scrape_differential as scraping

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "recorded")
START = 1_700_000_400_000  # of all data: 2023-11-14T22:20:00Z
KEEP = ["--storage.tsdb.retention.time=100y"]  # what is from 2023 is kept


def version(binary):
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True)
    return re.sub(r" \(.*", "", (said.stdout + said.stderr).splitlines()[0])


def write(name, header, rows):
    path = os.path.join(FOLDER, name + ".jsonl.gz")
    text = "".join(json.dumps(x, ensure_ascii=False, separators=(",", ":")) + "\n" for x in [header, *rows]).encode()
    with open(path, "wb") as f:
        f.write(gzip.compress(text, 9, mtime=0))
    print(f"{name}: {len(rows)} rows, {len(text) / 1e6:.1f} MB, packed {os.path.getsize(path) / 1e6:.2f} MB", flush=True)


def text_or_base64(name, data):
    """Bytes as a member of a row: as text where they are UTF-8."""
    try:
        return {name: data.decode()}
    except UnicodeDecodeError:
        return {name + "64": base64.b64encode(data).decode()}


# ------------------------------------------------------------------ data sets
def requests_of(series):
    """The remote write requests that queries.load sends."""
    rows = sorted(((t, i, v) for i, (_, samples) in enumerate(series) for t, v in samples), key=lambda x: x[0])
    for i in range(0, len(rows), 2000):
        by = {}
        for t, n, v in rows[i:i + 2000]:
            by.setdefault(n, []).append((t, v))
        yield remote_write.write_request([(series[n][0], samples) for n, samples in by.items()])


def data_set(name, seed, program):
    """Records the data of a seed as the bodies of remote write requests, before Snappy; answers the series."""
    series = queries.make_data(seed, START)
    bodies = [base64.b64encode(x).decode() for x in requests_of(series)]
    exemplars = []

    class Catch:
        @staticmethod
        def send(_, batch):
            exemplars.append(base64.b64encode(remote_write.write_request(batch)).decode())
            return 204, b""
    real, api.remote_write = api.remote_write, Catch
    try:
        api.load_exemplars("", series, seed)
    finally:
        api.remote_write = real
    write(name, dict(program=program, seed=seed, start=START, what="remote write requests, not compressed; those of exemplars may be refused in part"),
          [dict(samples=x) for x in bodies] + [dict(exemplars=x) for x in exemplars])
    return series


def fill(server, name):
    with gzip.open(os.path.join(FOLDER, name + ".jsonl.gz"), "rt") as f:
        next(f)
        for line in f:
            row = json.loads(line)
            body = remote_write.snappy(base64.b64decode(row.get("samples") or row["exemplars"]))
            status, _, text = peers.get(server.address, "/api/v1/write", "POST", body, {
                "Content-Type": "application/x-protobuf", "Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"})
            if status not in ((200, 204) if "samples" in row else (200, 204, 400)):
                raise RuntimeError(f"{server.address}: {status} {text[:300]!r}")


def two(binary, flags):
    return peers.start_prometheus(binary, flags=flags + KEEP), peers.start_prometheus(binary, flags=flags + KEEP)


# ------------------------------------------------------------------ queries
def draw_queries(seed, count):
    """Each query once: expression, time, or start, end and step."""
    g = queries.Generator(seed, START // 1000 + queries.COUNT * queries.STEP // 2000)
    seen = set()
    while len(seen) < count:
        q = g.query()
        t = START + g.r.randrange(0, queries.COUNT * queries.STEP + 400_000)
        if g.r.random() < 0.6:
            parameters = (("query", q), ("time", f"{t / 1000:.3f}"))
        else:
            t = START + g.r.randrange(0, queries.COUNT * queries.STEP // 2)
            step = g.pick(15, 17.5, 60, 300)
            end = t + int(step * 1000 * g.r.uniform(0, 12))
            parameters = (("query", q), ("start", f"{t / 1000:.3f}"), ("end", f"{end / 1000:.3f}"), ("step", f"{step}"))
        if q not in seen and not re.search(differences.pattern("query"), q):
            seen.add(q)
            yield parameters


def determined(query, answers):
    """Whether answers are the same but for what differences.json calls undefined."""
    plain = [api.plain(api.told(x, False, ""), query) for x in answers]
    return all(queries.same(plain[0], x) for x in plain)


def record_queries(binary):
    for number, seed in enumerate((1, 2), 1):
        data = f"data-{number}"
        data_set(data, seed, version(binary))
        a, b = two(binary, [queries.FEATURES + ",exemplar-storage"])
        rows, lost = [], 0
        with a, b:
            for server in (a, b):
                fill(server, data)
            for parameters in draw_queries(seed * 100, 2900):
                path = "/api/v1/query" if len(parameters) == 2 else "/api/v1/query_range"
                target = path + "?" + urllib.parse.urlencode(parameters)
                answers = [peers.get(s.address, target) for s in (a, a, b)]
                texts = [x[2].decode() for x in answers]
                queries.TOLERANCE = 1e-6 if re.search("stddev|stdvar", parameters[0][1]) else 1e-11
                if len({x[0] for x in answers}) > 1 or not determined(parameters[0][1], texts):
                    lost += 1
                    continue
                rows.append(dict(target=target, status=answers[0][0], body=texts[0]))
        print(f"{lost} queries have answers that are not determined")
        rows.sort(key=lambda x: x["target"])
        write(f"queries-{number}", dict(program=version(binary), flags=[queries.FEATURES + ",exemplar-storage"], data=data), rows)


# ------------------------------------------------------------------ the API
def record_api(binary):
    a, b = two(binary, [queries.FEATURES + ",exemplar-storage"])
    g = api.Requests(7, START)
    kinds = ["query"] * 2 + ["query_range"] * 2 + ["format_query"] * 3 + ["parse_query"] * 3 + ["series"] * 2 + ["labels"] * 2 + ["values"] * 2 + \
        ["exemplars"] + ["odd"] * 2
    rows, seen, lost = [], set(), 0
    with a, b:
        for server in (a, b):
            fill(server, "data-1")
        while len(rows) < 2000:
            kind = g.pick(*kinds)
            method, path, parameters, form, headers = request = g.odd() if kind == "odd" else g.one(kind)
            query = dict((parameters or []) + (form or [])).get("query", "")
            key = json.dumps(request)
            now = kind in ("query", "query_range") and not re.search("time|start", key)
            if key in seen or now or re.search(differences.pattern("query"), query):
                continue
            seen.add(key)
            answers = [api.send(s.address, request) for s in (a, a, b)]
            texts = [x[2].replace(s.address, "ADDRESS") for x, s in zip(answers, (a, a, b))]
            if any(x[:2] != answers[0][:2] for x in answers) or "\ufffd" in texts[0] or not determined(query, texts):
                lost += 1
                continue
            row = dict(method=method, target=path + ("?" + urllib.parse.urlencode(parameters) if parameters else ""), query=query, headers=headers)
            if form is not None:
                row["form"] = urllib.parse.urlencode(form)
            row.update(status=answers[0][0], answer={k: v for k, v in answers[0][1].items() if v}, body=texts[0])
            rows.append(row)
    print(f"{lost} requests have answers that are not determined")
    write("api", dict(program=version(binary), flags=[queries.FEATURES + ",exemplar-storage"], data="data-1"), rows)


# ------------------------------------------------------------------ expositions
def in_process(name):
    """Whether a case is about the exposition rather than about the connection."""
    c = scrape_cases.CASES[name]
    kind = c["type"] or ""
    if kind != kind.strip() or not kind.isascii() or c["headers"].get(":reason") == "":
        return False
    return not c["raw"] and name != "slow" and not name.startswith("redirect") and not 300 <= c["status"] < 400 and \
        not set(c["headers"]) & {"Transfer-Encoding", "Content-Length"}


def record_expositions(binary):
    scrape_cases.add_mutants(1100, 11)
    names = [n for n in scrape_cases.CASES if in_process(n) and not differences.exposition(n)]
    http.server.ThreadingHTTPServer.request_queue_size = 512
    scraping.Target.started = int(time.time())
    target = peers.listen(scraping.Target)
    address = f"{peers.HOST}:{target.server_port}"
    text = scraping.config(address, names)
    flags = ["--enable-feature=native-histograms,exemplar-storage"]
    with peers.start_prometheus(binary, text, flags) as a, peers.start_prometheus(binary, text, flags) as b:
        time.sleep(35)
        t = time.time() - 1
        first, second = scraping.seen(a, names, t), scraping.seen(b, names, t)
    target.shutdown()
    base = int(scraping.Target.started * 1000)

    def plain(value):
        """Moments and the address of the target become words; times of exemplars count from the start."""
        if isinstance(value, dict):
            return {plain(k): plain(v) for k, v in value.items()}
        if isinstance(value, list):
            return [plain(x) for x in value]
        if isinstance(value, float) or isinstance(value, int) and not isinstance(value, bool):
            return round(value - base / 1000, 3) if abs(value - base / 1000) < 1e6 else value
        if isinstance(value, str):
            for moment, word in scraping.instants(base):
                value = value.replace(moment, word)
            return value.replace(address, "ADDRESS")
        return value
    rows, lost = [], 0
    for n in names:
        if first[n] != second[n]:
            lost += 1
            continue
        c, answer = scrape_cases.CASES[n], plain(first[n])
        for name in ("series", "exemplars"):
            answer[name] = sorted(([json.loads(k), v] for k, v in answer.get(name, {}).items()), key=json.dumps)
        row = dict(name=n, type=c["type"], config=c["config"], status=c["status"],
                   reason=c["headers"].get(":reason") or http.server.BaseHTTPRequestHandler.responses.get(c["status"], ("",))[0],
                   headers={k: v for k, v in c["headers"].items() if k != ":reason"}, **text_or_base64("body", c["body"]), **answer)
        rows.append({k: v for k, v in row.items() if v not in ("", {}, [], None) or k in ("type", "series", "error", "body")})
    print(f"{lost} expositions have answers that are not determined")
    rows.sort(key=lambda x: x["name"])
    write("expositions", dict(program=version(binary), flags=flags, interval=scraping.INTERVAL), rows)


# ------------------------------------------------------------------ pushes
def steps(flags):
    """The requests of the comparison, one after the other."""
    wipe = ("PUT", "/api/v1/admin/wipe", b"", {}, True)
    if not flags:
        yield from push.fixed()
        yield from push.drawn(random.Random(5), 400)
        yield wipe
    yield from push.odd(random.Random(6), 400 if not flags else 300)
    yield wipe


def record_pushes(binary):
    for name, flags in (("pushes", []), ("pushes-utf8", ["--push.enable-utf8-names"]), ("pushes-unchecked", ["--push.disable-consistency-check"])):
        servers = []
        for _ in range(2):
            address = f"{peers.HOST}:{peers.free_port()}"
            servers.append(peers.Server([binary, f"--web.listen-address={address}", "--web.enable-admin-api", "--persistence.file=", "--log.level=error", *flags], address))
        with servers[0], servers[1]:
            rows = list(pushed([push.Client(s.address) for s in servers], flags))
        write(name, dict(program=version(binary), flags=["--web.enable-admin-api", *flags]), rows)


def pushed(clients, flags):
    before = None
    for method, path, body, headers, _ in steps(flags):
        if "_-8" in path and "--push.disable-consistency-check" in flags:
            continue  # labels that are not UTF-8, which the original takes and then cannot expose
        if len(body) > 100_000:
            continue
        answers = [c.ask(method, path, body, headers) for c in clients]
        (status, kept, content), other = answers
        row = dict(method=method, path=path, headers=headers, **text_or_base64("body", body), status=status, answer=kept)
        if path.startswith("/api/v1/metrics") and method == "GET" and status == 200:
            row["groups"] = push.normal_json(content)
        elif (status, push.normal_body(content)) != (other[0], push.normal_body(other[2])):
            row["undetermined"] = True
        elif content != other[2] or differences.push_error(content.decode("utf-8", "replace")):
            row["like"] = text_or_base64("text", content).get("text", "")
        else:
            row.update(text_or_base64("text", content))
        if not row["headers"]:
            del row["headers"]
        if method in ("PUT", "POST", "DELETE") and status < 500:
            exposed = settled(clients, status)
            if exposed[0][0] == "status 500":
                # It has taken what it can expose no more; nothing is to be learnt from it now.
                row["breaks"] = True
                for c in clients:
                    c.ask("PUT", "/api/v1/admin/wipe", b"", {})
                before = None
            elif len({"\n".join(push.determined(x)) for x in exposed}) > 1:
                row["exposes"] = "undetermined"
                before = None
            else:
                plain = ["\n".join(x) for x in exposed]
                shown = dict(lines=exposed[0]) if len(set(plain)) == 1 else dict(sorted=push.determined(exposed[0]))
                if shown != before:
                    row["exposes"] = shown
                else:
                    row["exposes"] = "same"
                before = shown
        yield row


def settled(clients, status):
    """What /metrics exposes, asked several times of each; what was answered with 202 is done later."""
    if status == 202:
        for c in clients:
            last = push.exposition(c)
            for _ in range(20):
                time.sleep(0.002)
                now = push.exposition(c)
                if now == last:
                    break
                last = now
    return [push.exposition(c) for c in clients for _ in range(3)]


def record_rules(binary):
    """What promtool says to generated rule files and tests of them. Messages of maps come in any order: they are sorted."""
    rows = []
    for number, pair in enumerate(rules.pairs(340)):
        row = dict(zip(("rules", "test"), (json.dumps(x, ensure_ascii=False) for x in pair)))
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            rules.written(pair, folder)
            kinds = {"check": ["check", "rules", "rules.yml"], "tested": ["test", "rules", "test.yml"]}
            if number % 5 == 4:
                kinds["diff"] = ["test", "rules", "--diff", "test.yml"]
            for kind, arguments in kinds.items():
                code, _, said = rules.run([binary, *arguments], folder)
                row[kind] = {"code": code, "said": rules.ordered(said)}
        rows.append(row)
    write("rules", {"program": version(binary)}, rows)


def record_rulefiles(binary):
    """What promtool says to rule files with every mistake."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for data in rule_file_cases.cases():
            (pathlib.Path(folder) / "rules.yml").write_bytes(data)
            code, _, said = rules.run([binary, "check", "rules", "rules.yml"], folder)
            rows.append({**text_or_base64("rules", data), "code": code, "said": rules.ordered(said)})
    write("rulefiles", {"program": version(binary)}, rows)


def record_configs(binary):
    """How configurations are shown; those that cannot be applied (files that are not there) are shown all the same."""
    rows, refused = [], 0
    with peers.start_prometheus(binary, "{}", ["--web.enable-lifecycle"]) as server:
        for text in config_cases.cases():
            with open(os.path.join(server.folder, "config.yml"), "w") as f:
                f.write(text)
            status, _, said = peers.get(server.address, "/-/reload", "POST")
            if status != 200 and b"while applying" not in said:
                print(f"refused: {text}: {said.decode()[-200:]}")
                refused += 1
                continue
            shown = json.loads(peers.get(server.address, "/api/v1/status/config")[2])["data"]["yaml"]
            rows.append(dict(config=text, shown=shown.replace(server.folder, "/c")))
    print(f"{refused} configurations are refused")
    write("configs", {"program": version(binary)}, rows)


def main():
    everything = ["queries", "api", "expositions", "pushes", "rules", "rulefiles", "configs"]
    wanted = sys.argv[1:] or everything
    if set(wanted) - set(everything):
        sys.exit(__doc__)
    prometheus = peers.program("PROMETHEUS_BIN", "prometheus")
    gateway = peers.program("PUSHGATEWAY_BIN", "pushgateway", "prometheus-pushgateway")
    promtool = peers.program("PROMTOOL_BIN", "promtool")
    os.makedirs(FOLDER, exist_ok=True)
    for what in wanted:
        binary = {"pushes": gateway, "rules": promtool, "rulefiles": promtool}.get(what, prometheus)
        if not binary:
            sys.exit(f"no server to record {what} of: set PROMETHEUS_BIN, PROMTOOL_BIN and PUSHGATEWAY_BIN")
        globals()["record_" + what](binary)


if __name__ == "__main__":
    main()
