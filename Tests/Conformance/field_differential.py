#!/usr/bin/env python3
"""Gives each field of configurations and rule files each of many odd values, and compares the verdicts of a real promtool and of Promenade.

    field_differential.py [--show 10]

The programs are PROMTOOL_BIN (or promtool of PATH) and PROMENADE_BIN; exits 0 without a difference, 1 with one, 77 without a promtool.
"""
import argparse
import itertools
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
import peers

VALUES = """ | ~ | null | Null | NULL | 0 | -1 | -0 | 1 | 1.5 | 1e3 | 1e30 | 0x10 | 010 | 0o10 | 1_000 | true | 'true' | yes | on | n | abc | 5s | 5 | '5' | 1h30m | 1m1h | 5 s
10MB | 10kB | 1.5GiB | [] | [a] | [a, a] | [null] | [1] | [[a]] | [{}] | {} | {a: b} | {a: [b]} | {a: null} | {a: {b: c}} | !!str 5 | !!int '5' | .inf | .nan | 9223372036854775807
9223372036854775808 | 18446744073709551616 | 'http://a/' | http://a:b/ | '%' | '%zz' | 'a b' | ' a' | '' | "\\x00" | "é" | 2020-01-01 | {null: v} | {~: v} | {1: v} | {true: v} | {1.5: v}
{[a]: b} | {a: 1} | {a: true} | {a: 2020-01-01} | {'': v} | {'a b': v} | {a.b: c} | {__name__: x} | {a: b, a: c} | {Host: x} | -5s | 1y2w3d | 292y | 293y | /a/b | *.yml | a/* | [a:1
'$(x)' | '${X}' | http | ftp | HTTP | drop | Replace | TLS12 | up | sum( | 'rate(up[5m])' | '{a=""}' | a:b | {a: '{{ $value }}'} | {a: '{{'} | {a: '{{ nope }}'} | {alertname: x} | [a, b"""
RELABEL = "source_labels separator regex modulus target_label replacement action nonsense"
RULE = "record alert expr labels annotations for keep_firing_for nonsense"
CONFIG = [
    ("global: {%s: %s}", "scrape_interval scrape_timeout evaluation_interval rule_query_offset external_labels body_size_limit sample_limit label_limit keep_dropped_targets "
                         "scrape_protocols scrape_failure_log_file convert_classic_histograms_to_nhcb nonsense"),
    ("scrape_configs: [{%s: %s}]", "job_name"),
    ("scrape_configs: [{job_name: j, %s: %s}]", "honor_labels params scrape_interval scrape_timeout scrape_protocols fallback_scrape_protocol metrics_path scheme body_size_limit "
     "sample_limit native_histogram_min_bucket_factor static_configs file_sd_configs http_sd_configs dns_sd_configs relabel_configs metric_relabel_configs basic_auth authorization "
     "oauth2 bearer_token tls_config follow_redirects no_proxy proxy_from_environment proxy_connect_header http_headers nonsense"),
    ("scrape_configs: [{job_name: j, relabel_configs: [{%s: %s}]}]", RELABEL),
    ("scrape_configs: [{job_name: j, relabel_configs: [{source_labels: [a], target_label: b, %s: %s}]}]", "separator regex modulus replacement action"),
    ("scrape_configs: [{job_name: j, static_configs: [{%s: %s}]}]", "targets labels nonsense"),
    ("scrape_configs: [{job_name: j, file_sd_configs: [{files: [a.json], %s: %s}]}]", "refresh_interval nonsense"),
    ("scrape_configs: [{job_name: j, file_sd_configs: [{%s: %s}]}]", "files"),
    ("scrape_configs: [{job_name: j, http_sd_configs: [{url: 'http://a/', %s: %s}]}]", "refresh_interval basic_auth http_headers nonsense"),
    ("scrape_configs: [{job_name: j, http_sd_configs: [{%s: %s}]}]", "url"),
    ("scrape_configs: [{job_name: j, dns_sd_configs: [{names: [a], %s: %s}]}]", "type port refresh_interval"),
    ("scrape_configs: [{job_name: j, basic_auth: {%s: %s}}]", "username password nonsense"),
    ("scrape_configs: [{job_name: j, authorization: {%s: %s}}]", "type credentials nonsense"),
    ("scrape_configs: [{job_name: j, tls_config: {%s: %s}}]", "cert key server_name insecure_skip_verify min_version nonsense"),
    ("scrape_configs: [{job_name: j, oauth2: {client_id: a, client_secret: b, token_url: 'http://a/', %s: %s}}]", "scopes endpoint_params tls_config nonsense"),
    ("scrape_configs: [{job_name: j, http_headers: {X: {%s: %s}}}]", "values secrets nonsense"),
    ("alerting: {%s: %s}", "alert_relabel_configs nonsense"),
    ("alerting: {alertmanagers: [{%s: %s}]}", "scheme path_prefix timeout api_version relabel_configs static_configs nonsense"),
    ("remote_write: [{url: 'http://a/', %s: %s}]", "remote_timeout headers write_relabel_configs name send_exemplars protobuf_message queue_config metadata_config nonsense"),
    ("remote_read: [{url: 'http://a/', %s: %s}]", "remote_timeout chunked_read_limit headers read_recent name required_matchers"),
    ("storage: {tsdb: {%s: %s}}", "out_of_order_time_window nonsense"), ("storage: {exemplars: {%s: %s}}", "max_exemplars"),
    ("otlp: {%s: %s}", "promote_resource_attributes translation_strategy"), ("tracing: {endpoint: a, %s: %s}", "client_type sampling_fraction compression timeout headers"),
    ("%s: %s", "global scrape_configs rule_files alerting remote_write remote_read storage otlp tracing runtime nonsense"),
]
RULES = [
    ("groups: [{name: g, rules: [{record: r, expr: up, %s: %s}]}]", RULE), ("groups: [{name: g, rules: [{alert: A, expr: up, %s: %s}]}]", RULE),
    ("groups: [{name: g, rules: [{record: r, %s: %s}]}]", "expr"), ("groups: [{name: g, %s: %s}]", "interval limit query_offset labels rules nonsense"),
    ("groups: [{%s: %s}]", "name"), ("%s: %s", "groups nonsense"),
]
# Where the verdicts differ on purpose: docs/differences.md.
KNOWN = re.compile(r"(X: \{files|password_file|ca): |alertmanagers: \[null|remote_\w+: \[(null|\{\})")


def cases(table):
    values = [v.strip() for line in VALUES.split("\n") for v in line.split(" | ")]
    return [template % (field, value) for template, fields in table for field, value in itertools.product(fields.split(), values)]


def verdicts(argv, kind, names):
    """Which of the files are refused; promtool falls over some, which is a refusal, and leaves those behind them."""
    refused, rest = set(), names
    while rest:
        batch = rest[:100]
        done = subprocess.run([*argv, "check", kind, *batch], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=300, check=False)
        parts = re.split(r"^Checking (\S+)\n", "\n" + done.stdout, flags=re.M)
        told = dict(zip(parts[1::2], parts[2::2]))
        seen = [n for n in batch if n in told]
        if not seen:
            raise RuntimeError(done.stdout[:300])
        refused.update(n for n in seen if "FAILED" in told[n] or "panic:" in told[n])
        rest = rest[batch.index(seen[-1]) + 1:]
    return refused


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--show", type=int, default=10)
    a = ap.parse_args()
    promtool = peers.program("PROMTOOL_BIN", "promtool")
    if not promtool:
        print("no promtool to compare with; set PROMTOOL_BIN")
        sys.exit(77)
    asked = wrong = right = 0
    for kind, table in (("config", CONFIG), ("rules", RULES)):
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            texts = {f"f{i}.yml": text for i, text in enumerate(dict.fromkeys(cases(table)))}
            for name, text in texts.items():
                with open(name, "w", encoding="utf-8") as f:
                    f.write(text + "\n")
            theirs, ours = verdicts([promtool], kind, list(texts)), verdicts([peers.promenade()], kind, list(texts))
            asked += len(texts)
            right += len(texts) - len(theirs)
            for name in sorted(theirs ^ ours):
                if KNOWN.search(texts[name]):
                    continue
                wrong += 1
                if wrong <= a.show:
                    print(f"{texts[name]}\n  refused by {'promtool' if name in theirs else 'Promenade'} only")
            os.chdir("/")
    print(f"{asked} files, {right} of them right, {wrong} with another verdict")
    sys.exit(1 if wrong or not 0 < right < asked else 0)


if __name__ == "__main__":
    main()
