#!/usr/bin/env python3
"""Asks a real promtool and Promenade whether configurations with remote_write, remote_read and otlp are right, and compares the verdicts.

    remote_config_differential.py [--show 10]

The programs are PROMTOOL_BIN (or promtool of PATH) and PROMENADE_BIN; exits 0 without a difference, 1 with one, 77 without a promtool.
"""
import argparse
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
import config_cases
import peers

WRITE = """
{} | {url: ''} | {url: 'http://h/w'} | {url: 'h:1'} | {url: '://x'} | {url: 'http://h:x/'} | {url: ['a']} | {url: 'http://h/', nonsense: 1}
{remote_timeout: 0s} | {remote_timeout: x} | {remote_timeout: 1d} | {remote_timeout: -1s} | {remote_timeout: 30}
{headers: {a: b}} | {headers: {Host: x}} | {headers: {User-Agent: x}} | {headers: {authorization: x}} | {headers: {X-Prometheus-Remote-Write-Version: '1'}}
{headers: {Content-Length: '3'}} | {headers: {content-encoding: gzip}} | {headers: {Connection: close}} | {headers: {X-Scope-OrgID: '1'}} | {headers: [a]}
{headers: {proxy-authorization: x}} | {headers: {www-authenticate: x}} | {headers: {accept-encoding: x}} | {headers: {X-Amz-Date: x}} | {headers: {Keep-Alive: x}}
{name: a} | {name: ''} | {name: 'a b'} | {name: 5} | {send_exemplars: yes} | {send_exemplars: maybe} | {send_native_histograms: true} | {send_native_histograms: 1}
{round_robin_dns: true} | {protobuf_message: prometheus.WriteRequest} | {protobuf_message: io.prometheus.write.v2.Request} | {protobuf_message: v2} | {protobuf_message: ''} | {protobuf_message: null} | {protobuf_message:}
{write_relabel_configs: [{action: drop}]} | {write_relabel_configs: [{action: nope}]} | {write_relabel_configs: [{source_labels: [a], regex: '(', target_label: b}]}
{write_relabel_configs: [{action: hashmod, source_labels: [a], target_label: b}]} | {write_relabel_configs: [null]} | {write_relabel_configs: null} | {write_relabel_configs: {}}
{queue_config: {capacity: 1}} | {queue_config: {capacity: x}} | {queue_config: {capacity: -1}} | {queue_config: {max_shards: 0}} | {queue_config: {max_shards: 1, min_shards: 5}}
{queue_config: {max_samples_per_send: 0}} | {queue_config: {batch_send_deadline: 1}} | {queue_config: {min_backoff: 10s, max_backoff: 1s}} | {queue_config: {sample_age_limit: 1h}}
{queue_config: {retry_on_http_429: true}} | {queue_config: {max_retries: 3}} | {queue_config: null} | {queue_config: []} | {queue_config: {sample_age_limit: -1h}}
{metadata_config: {send: false}} | {metadata_config: {send_interval: 0s}} | {metadata_config: {max_samples_per_send: 0}} | {metadata_config: {x: 1}} | {metadata_config: null}
{basic_auth: {username: a}, authorization: {credentials: b}} | {bearer_token: a, bearer_token_file: b} | {basic_auth: {password: a, password_file: b}}
{tls_config: {cert_file: x}} | {tls_config: {min_version: TLS09}} | {proxy_url: 'http://p', proxy_from_environment: true} | {no_proxy: a} | {oauth2: {client_id: a}}
{authorization: {type: Basic, credentials: x}} | {enable_http2: false, follow_redirects: false} | {http_headers: {X: {values: [a]}}} | {http_headers: {Host: {values: [a]}}}
"""
READ = """
{} | {url: ''} | {url: 'http://h/r'} | {url: ':'} | {url: 'http://h/', bad: 1} | {remote_timeout: 1s} | {remote_timeout: ''} | {chunked_read_limit: 1} | {chunked_read_limit: -1}
{chunked_read_limit: x} | {headers: {a: b}} | {headers: {Host: x}} | {headers: {Authorization: x}} | {headers: {x-prometheus-remote-read-version: '1'}} | {name: n} | {read_recent: true}
{read_recent: 2} | {required_matchers: {a: b}} | {required_matchers: {'a b': c}} | {required_matchers: {'1': c}} | {required_matchers: [a]} | {filter_external_labels: false}
{basic_auth: {username: a}, bearer_token: b} | {tls_config: {key_file: k}} | {proxy_connect_header: {a: [b]}} | {send_exemplars: true} | {required_matchers: null}
"""
OTLP = """
{} | {translation_strategy: UnderscoreEscapingWithSuffixes} | {translation_strategy: NoUTF8EscapingWithSuffixes} | {translation_strategy: NoTranslation} | {translation_strategy: Nope}
{promote_resource_attributes: [a, b]} | {promote_resource_attributes: [a, a]} | {promote_resource_attributes: ['']} | {promote_resource_attributes: [' a ']}
{promote_resource_attributes: a} | {promote_resource_attributes: {a: b}} | {promote_resource_attributes: [1]} | {promote_resource_attributes: null} | {keep_identifying_resource_attributes: true}
{keep_identifying_resource_attributes: x} | {convert_histograms_to_nhcb: true} | {convert_histograms_to_nhcb: 1} | {promote_all_resource_attributes: true}
{promote_all_resource_attributes: true, promote_resource_attributes: [a]} | {ignore_resource_attributes: [a]} | {promote_all_resource_attributes: true, ignore_resource_attributes: [a, a]}
{promote_all_resource_attributes: true, ignore_resource_attributes: [a]} | {translation_strategy: ''} | {nothing: 1} | null | [] | {translation_strategy: 3}
"""
WHOLE = [
    "remote_write: []", "remote_write: null", "remote_write: {url: 'http://h/'}", "remote_write: [null]", "remote_read: [null]", "remote_read: {}", "remote_read: x",
    "remote_write: [{url: 'http://a/'}, {url: 'http://a/'}]", "remote_write: [{url: 'http://a/', name: n}, {url: 'http://b/', name: n}]",
    "remote_write: [{url: 'http://a/', name: n}, {url: 'http://a/', name: m}]", "remote_read: [{url: 'http://a/'}, {url: 'http://a/'}]",
    "remote_read: [{url: 'http://a/', name: n}, {url: 'http://b/', name: n}]", "remote_write: [{url: 'http://a/', name: n}]\nremote_read: [{url: 'http://a/', name: n}]",
    "global: {metric_name_validation_scheme: legacy}\notlp: {translation_strategy: NoUTF8EscapingWithSuffixes}",
    "global: {metric_name_validation_scheme: legacy}\notlp: {translation_strategy: NoTranslation}",
    "global: {metric_name_validation_scheme: legacy}\notlp: {}", "otlp: {}\notlp: {}", "remote_write: [{url: 'http://a/'}]\nremote_write: [{url: 'http://b/'}]",
]


# Refused here because it cannot work: promtool lets it pass, and Prometheus does not start with it, or sends to nobody.
STRICTER = {
    "remote_write: [{url: ''}]", "remote_read: [{url: ''}]", "remote_write: [{url: 'http://a/'}, {url: 'http://a/'}]",
    "remote_read: [{url: 'http://a/'}, {url: 'http://a/'}]",
}


def cells(table):
    return [cell.strip() for line in table.strip().split("\n") for cell in line.split(" | ")]


def cases():
    for cell in cells(WRITE):
        yield "remote_write: [" + (cell if "url" in cell or cell == "{}" else config_cases.flow("{url: 'http://h/w'}", cell)) + "]"
    for cell in cells(READ):
        yield "remote_read: [" + (cell if "url" in cell or cell == "{}" else config_cases.flow("{url: 'http://h/r'}", cell)) + "]"
    for cell in cells(OTLP):
        yield "otlp: " + cell
    yield from WHOLE


def verdict(argv, name):
    done = subprocess.run([*argv, "check", "config", name], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--show", type=int, default=10)
    a = ap.parse_args()
    promtool = peers.program("PROMTOOL_BIN", "promtool")
    if not promtool:
        print("no promtool to compare with; set PROMTOOL_BIN")
        sys.exit(77)
    asked = wrong = right = 0
    with tempfile.TemporaryDirectory() as folder:
        name = os.path.join(folder, "c.yml")
        for case in cases():
            with open(name, "w") as f:
                f.write(case + "\n")
            theirs, ours = verdict([promtool], name), verdict([peers.promenade()], name)
            asked += 1
            right += theirs[0] == 0
            if (theirs[0] != ours[0]) != (case in STRICTER):
                wrong += 1
                if wrong <= a.show:
                    print(f"{case}\n  promtool {theirs[0]}: {theirs[1][-200:]}\n  promenade {ours[0]}: {ours[1][-200:]}")
    print(f"{asked} configurations, {right} of them right, {wrong} with another verdict")
    sys.exit(1 if wrong or not 0 < right < asked else 0)


if __name__ == "__main__":
    main()
