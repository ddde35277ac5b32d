#!/usr/bin/env python3
"""Compares `check rules` and `test rules` with a real promtool: output and exit code, byte for byte.

    rule_differential.py [--promtool PROMTOOL] [--ours PROMENADE] [--generated N] [--seed N] [--invented N] FILE-OR-FOLDER…

With --invented each rule file that is given also gets so many tests with invented series of the metrics that it names; what is expected is
nothing, so that all that fires, and its texts, are in the output. Kubernetes' PrometheusRule manifests are taken as the rule files in them.

The programs are PROMTOOL_BIN (or promtool of PATH) and PROMENADE_BIN where none are given; without a promtool it exits with 77. Files with `tests:` are run as unit tests, other YAML files are checked as rule files. Generated cases come from a fixed seed.
"""

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import differences
import peers


def run(command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
    return done.returncode, done.stdout, done.stderr


def ordered(text):
    """promtool goes through maps in any order: messages of labels and annotations are sorted."""
    return sorted(re.sub(r"level=\S+ |time=\S+ |source=\S+ ", "", text).splitlines())


def masked(text):
    # Which match that is not unique is found first is left to the order of the store, and promtool's changes from run to run.
    text = re.sub(r"the match group \{[^\[\]]*?\} (on the \w+ hand-side of the operation): \[[^\[\]]*\];many", r"\1;many", text)
    # What is left of subtracting histograms is a gauge in main; of 3.5's, the store says whether a reset came before.
    text = re.sub(r'(\{__name__="r:\d+"[^{}]*\} \{\{[^{}]*?) ?counter_reset_hint:(?:gauge|not_reset)', r"\1", text)
    for find, replace in differences.RULES:
        text = re.sub(find, replace, text)
    return text


def same(theirs, ours):
    if theirs == ours:
        return True
    theirs, ours = [(code, masked(out), masked(err)) for code, out, err in (theirs, ours)]
    return theirs[0] == ours[0] and ordered(theirs[1]) == ordered(ours[1]) and ordered(theirs[2]) == ordered(ours[2])


class Comparison:
    def __init__(self, options):
        self.options = options
        self.count = 0
        self.different = []

    def compare(self, kind, arguments, folder):
        theirs = run([self.options.promtool, kind, "rules", *arguments], folder)
        ours = run([self.options.ours, kind, "rules", *arguments], folder)
        self.count += 1
        if same(theirs, ours):
            return
        self.different.append(" ".join([kind, *arguments]))
        print(f"--- {kind} rules {' '.join(arguments)} (in {folder})")
        for name, (code, out, err) in [("promtool", theirs), ("ours", ours)]:
            print(f"  {name}: exit {code}\n    out: {out!r}\n    err: {err!r}")


OPERATORS = [">", "<", ">=", "==", "!="]
EXPRESSIONS = ["up", "rate(c[5m])", "sum by (job) (up)", "max_over_time(up[3m])", "avg(up) by (instance)", "up * 2", "c - c offset 1m",
               "count(up) without (instance)", "absent(nope)", "changes(up[10m])", "time()", "vector(1)", "up and on (job) c"]
TEMPLATES = ["{{ $value }}", "{{ $labels.instance }} is {{ $value | humanize }}", "plain", "{{ $labels }}", "{{ printf \"%.1f\" $value }}",
             "{{ $value | humanizePercentage }}", "{{ $externalLabels.region }}", "{{ with query \"up\" }}{{ len . }}{{ end }}",
             "{{ if gt $value 1.0 }}high{{ else }}low{{ end }}", "{{ $labels.nope }}", "{{ $value | humanizeDuration }}", "{{ index $labels \"job\" }}",
             "{{ if gt $value 1 }}x{{ end }}", "{{ .Nope }}", "{{ $value | humanize1024 }} of {{ $labels.job | toUpper }}",
             "{{ range query \"sum by (job) (up)\" | sortByLabel \"job\" }}{{ .Labels.job }}={{ .Value }};{{ end }}",
             "{{ printf \"%d/%s/%v\" 3 $labels.job $value }}", "{{ define \"t\" }}<{{ . }}>{{ end }}{{ template \"t\" $labels.job }}",
             "{{ match \"x.*\" $labels.job }} {{ reReplaceAll \"(.)\" \"$1$1\" $labels.instance }}", "{{ first (query \"nope\") }}",
             "{{ query \"up{\" }}", "{{ $labels.job | title }}{{- /* gone */ -}} {{ len $labels }}", "{{ $externalURL }}|{{ pathPrefix }}",
             "{{ humanizeTimestamp $value }}", "{{ with $labels.nope }}y{{ else }}n{{ end }}", "é {{ $value }} ✓"]
HISTOGRAMS = ["{{schema:0 count:3 sum:2 buckets:[1 2]}}x5", "{{schema:0 count:3 sum:2 buckets:[1 2]}}+{{schema:0 count:1 sum:1 buckets:[1]}}x8",
              "{{schema:0 count:9 sum:9 buckets:[4 5]}}x3 {{schema:0 count:1 sum:1 buckets:[1]}}x3 {{schema:0 count:2 sum:1 buckets:[2]}}x3",
              "{{schema:0 count:2 sum:1 buckets:[2]}}x2 7 {{schema:0 count:3 sum:1 buckets:[3]}}x4 _ stale {{schema:0 count:4 sum:1 buckets:[4]}}x3",
              "{{schema:1 count:3 sum:2 buckets:[1 2] z_bucket:0 counter_reset_hint:gauge}}x6",
              "{{schema:-53 sum:5 count:4 custom_values:[5 10] buckets:[1 3]}}x3 {{schema:-53 sum:6 count:5 custom_values:[5 20] buckets:[2 3]}}x4"]
BROKEN = [{"expr": "up ="}, {"record": "a", "alert": "b"}, {"for": "soon"}, {"annotations": {"a": "{{ nope }}"}}, {"labels": {"1x": "y"}},
          {"labels": {"l": "{{ $labels.job"}}, {"record": "a-b"}, {"keep_firing_for": "1m"}, {"expr": "rate(up)"}, {"extra": 1}]


def generated(random):
    """A rule file and a test of it; what is expected is often wrong, so that values are compared too."""
    groups = []
    names = []
    broken = random.random() < 0.06
    for index in range(random.randint(1, 3)):
        rules = []
        for _ in range(random.randint(1, 4)):
            number = len(names)
            expression = random.choice(EXPRESSIONS + [name for name in names if name.startswith("r:")])
            if random.random() < 0.4:
                rule = {"record": f"r:{number}", "expr": expression}
                if random.random() < 0.4:
                    rule["labels"] = {"kind": random.choice(["a", "b"]), "job": random.choice(["", "over"])}
                names.append(f"r:{number}")
            else:
                rule = {"alert": f"A{number}", "expr": f"{expression} {random.choice(OPERATORS)} {random.choice([0, 0.5, 1, 2, 5])}"}
                if random.random() < 0.6:
                    rule["for"] = random.choice(["1m", "2m", "5m", "30s"])
                if random.random() < 0.3:
                    rule["keep_firing_for"] = random.choice(["1m", "3m"])
                if random.random() < 0.5:
                    rule["labels"] = {"severity": random.choice(["page", "warn", "{{ $labels.job }}"])}
                rule["annotations"] = {"summary": random.choice(TEMPLATES), "text": random.choice(TEMPLATES)}
                names.append(f"A{number}")
            if broken and random.random() < 0.5:
                rule.update(random.choice(BROKEN))
            rules.append(rule)
        group = {"name": f"g{index}", "rules": rules}
        if random.random() < 0.2:
            group["limit"] = random.choice([1, 2, 10])
        if random.random() < 0.2:
            group["query_offset"] = random.choice(["1m", "0s", "90s"])
        if random.random() < 0.2:
            group["labels"] = {"team": "t", "severity": "group"}
        groups.append(group)

    def values():
        return random.choice(["0+1x30", "1x10 0x10 1x10", "1 _ _ 1 stale 1x5", "5-0.5x20", "0x5 3x3 0x20", "NaN 1x4 +Inf -Inf 0x3",
                              "1e3x2 _x4 1.5+0.1x20", random.choice(HISTOGRAMS)])

    test = {
        "interval": random.choice(["30s", "1m"]),
        "name": random.choice(["", "named"]),
        "external_labels": {"region": "eu"},
        "input_series": [{"series": f'{metric}{{job="{job}",instance="{number}"}}', "values": values()}
                         for metric in ["up", "c"] for job in ["x", "y"] for number in range(2)],
        "alert_rule_test": [
            {"eval_time": random.choice(["0s", "1m", "3m", "5m", "7m", "10m30s", "15m"]), "alertname": name,
             "exp_alerts": random.choice([[], [{"exp_labels": {"job": "x"}, "exp_annotations": {"summary": "plain"}}]])}
            for name in names if name.startswith("A")
        ],
        "promql_expr_test": [
            {"expr": random.choice(["ALERTS", "ALERTS_FOR_STATE", "count(ALERTS)", "up", "c", "last_over_time(c[4m])",
                                    *[n for n in names if n.startswith("r:")]]),
             "eval_time": random.choice(["1m", "3m", "5m", "8m", "12m"]), "exp_samples": []}
            for _ in range(3)
        ],
    }
    return {"groups": groups}, {
        "rule_files": ["rules.yml"], "evaluation_interval": random.choice(["1m", "30s", "2m"]),
        "group_eval_order": [group["name"] for group in groups], "tests": [test]}


NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
VALUES = ["0+1x40", "0+97x40", "1x40", "0x40", "0x10 1x30", "100-3x40", "5 5 5 stale 5x36", "1e9+1e6x40", "0.5+0.01x40", "_x40", "NaN 0x39", "1x20 0x20"]


def invented(text, random):
    """A test of a rule file: series of what its expressions name, with labels that meet the conditions where that is easy."""
    expressions = re.findall(r"expr: *(?:[|>]-?\n((?:[ ]+.*\n|\n)+)|(.*))", text)
    alerts = sorted(set(re.findall(r"alert: *['\"]?(\w+)", text)))
    records = sorted(set(re.findall(rf"record: *['\"]?({NAME})", text)))
    series = set()
    for expression in (a or b for a, b in expressions):
        for name, inner in re.findall(rf"({NAME})\s*\{{([^}}]*)\}}", expression) + [(n, "") for n in re.findall(rf"({NAME})(?=\s*\[|\)| [<>=!+*/-])", expression)]:
            if name in records or name in ("by", "on", "and", "or", "unless", "ignoring", "without", "le"):
                continue
            labels = {"job": random.choice(["node", "api"]), "instance": f"host-{random.randint(1, 3)}:9100"}
            for label, operation, value in re.findall(rf'({NAME})\s*(=~|!~|!=|=)\s*[\'"]([^\'"]*)[\'"]', inner):
                if operation == "=":
                    labels[label] = value
                elif operation == "=~":
                    labels[label] = re.sub(r"[.][+*]|[\\^$()?\[\]]", "x", value.split("|")[0]) or "x"
            if name.endswith("_bucket"):
                labels["le"] = random.choice(["0.1", "1", "+Inf"])
            for label in ("namespace", "pod", "device", "mountpoint", "name"):
                labels.setdefault(label, random.choice(["a", "b"]))
            series.add(name + json.dumps(labels).replace('": "', '"="').replace("{\"", "{").replace('", "', '",').replace('"="', '="'))
    times = ["5m", "12m", "20m", "35m"]
    # promtool evaluates groups in any order where none is given.
    groups = list(dict.fromkeys(re.findall(r"""^ *(?:- )?["']?name["']?: *["']?(.*?)["']?$""", text, re.M)))
    return {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "group_eval_order": groups, "tests": [{
        "interval": "1m", "external_labels": {"cluster": "c", "region": "eu"}, "external_url": "http://prometheus.example/p",
        "input_series": [{"series": one, "values": random.choice(VALUES)} for one in sorted(series)],
        "alert_rule_test": [{"eval_time": random.choice(times), "alertname": name} for name in alerts for _ in range(2)],
        "promql_expr_test": [{"expr": name, "eval_time": random.choice(times)} for name in records[:20]]}]}


def rule_files(text):
    """The rule files in a text: itself, or what a manifest of Kubernetes holds."""
    if "kind: PrometheusRule" not in text:
        return [text]
    return [re.sub(r"^  ", "", found, flags=re.M) for found in re.findall(r"^spec:\n((?:[ ].*\n|\n)+)", text, re.M)]


SEED = 20261128


def pairs(count, seed=SEED):
    """Generated pairs of a rule file and a test of it, the same ones for the same seed."""
    numbers = random.Random(seed)
    return [generated(numbers) for _ in range(count)]


def loses_samples(pair):
    """Whether 3.5 loses samples of a series of floats and histograms: of what is brought in at once it writes floats first, and then
    the histograms before them are late. Main writes them in their order."""
    seconds = {"30s": 30, "1m": 60, "2m": 120}
    test = pair[1]["tests"][0]
    return seconds[pair[1]["evaluation_interval"]] > seconds[test["interval"]] and any(
        re.search(r"\}\}x\d+ \d", series["values"]) for series in test["input_series"])


def written(pair, folder):
    for name, content in zip(("rules.yml", "test.yml"), pair):
        (folder / name).write_text(json.dumps(content, ensure_ascii=False))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--promtool", default=peers.program("PROMTOOL_BIN", "promtool"))
    parser.add_argument("--ours", default=peers.promenade())
    parser.add_argument("--generated", type=int, default=300)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--invented", type=int, default=0)
    parser.add_argument("--skip", default=r"start-time-test|legacy_validation|20kseries")
    parser.add_argument("paths", nargs="*", type=Path)
    options = parser.parse_args()
    if not options.promtool:
        sys.exit(77)
    comparison = Comparison(options)
    files = []
    for path in options.paths:
        files += sorted(p for p in path.rglob("*") if p.suffix in (".yml", ".yaml", ".rules")) if path.is_dir() else [path]
    for file in files:
        if re.search(options.skip, file.name):
            continue
        text = file.read_text()
        if re.search(r"^tests:|^rule_files:", text, re.M) and not re.search(r"^scrape_configs:", text, re.M):
            comparison.compare("test", [file.name], file.parent)
        elif re.search(r"^(groups|global):|record|alert", text, re.M):
            comparison.compare("check", [file.name], file.parent)
            comparison.compare("check", ["--lint=none", "--ignore-unknown-fields", file.name], file.parent)
            comparison.compare("check", ["--lint-fatal", file.name], file.parent)
    for file in files if options.invented else []:
        numbers = random.Random(file.name)
        for text in rule_files(file.read_text()):
            if not re.search(r"^groups:", text, re.M):
                continue
            for _ in range(options.invented):
                with tempfile.TemporaryDirectory() as name:
                    folder = Path(name)
                    (folder / "rules.yml").write_text(text)
                    (folder / "test.yml").write_text(json.dumps(invented(text, numbers), ensure_ascii=False))
                    comparison.compare("check", ["rules.yml"], folder)
                    comparison.compare("test", ["test.yml"], folder)
    left_out = 0
    for number, pair in enumerate(pairs(options.generated, options.seed)):
        if loses_samples(pair):
            left_out += 1
            continue
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            written(pair, folder)
            comparison.compare("check", ["rules.yml"], folder)
            comparison.compare("test", ["--diff", "test.yml"] if number % 5 == 4 else ["test.yml"], folder)
    print(f"{comparison.count} compared, {len(comparison.different)} differ; {left_out} generated tests left out, of which 3.5 loses samples")
    sys.exit(1 if comparison.different else 0)


if __name__ == "__main__":
    main()
