#!/usr/bin/env python3
"""Compares what a real Prometheus and Promenade tell about themselves at /metrics: every name that both have has to have the same
type, help and labels, and what dashboards and alerts on Prometheus ask for has to be there.

The real one is taken from PROMETHEUS_BIN or PATH, Promenade from PROMENADE_BIN or the release build. Exits 0 without a
difference, 1 with one, 77 where there is no Prometheus to compare with.
"""
import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
import peers

CONFIG = """global: {{scrape_interval: 1s}}
scrape_configs: [{{job_name: self, static_configs: [{{targets: ['{}']}}]}}]
"""
# Help texts that tell of Go's runtime.
OTHER_HELP = {"go_sched_gomaxprocs_threads"}
# What the dashboards "Prometheus 2.0 Overview" and "Prometheus Stats" and the alerts of Prometheus's own mixin ask for.
# Queues of notifications have a label since 3.6, and are there with the first Alertmanager.
WANTED = """prometheus_build_info prometheus_config_last_reload_successful prometheus_config_last_reload_success_timestamp_seconds
prometheus_engine_queries prometheus_engine_queries_concurrent_max prometheus_engine_query_duration_seconds prometheus_engine_query_samples_total
prometheus_http_request_duration_seconds prometheus_http_requests_total prometheus_http_response_size_bytes
prometheus_notifications_alertmanagers_discovered prometheus_notifications_queue_capacity
prometheus_remote_storage_highest_timestamp_in_seconds prometheus_remote_storage_samples_in_total
prometheus_rule_evaluation_duration_seconds prometheus_rule_group_duration_seconds prometheus_sd_discovered_targets
prometheus_target_interval_length_seconds prometheus_target_scrape_pool_sync_total
prometheus_target_scrape_pools_failed_total prometheus_target_scrapes_exceeded_sample_limit_total
prometheus_target_scrapes_sample_duplicate_timestamp_total prometheus_target_scrapes_sample_out_of_bounds_total
prometheus_target_scrapes_sample_out_of_order_total prometheus_target_sync_length_seconds prometheus_tsdb_head_chunks
prometheus_tsdb_head_max_time prometheus_tsdb_head_min_time prometheus_tsdb_head_samples_appended_total prometheus_tsdb_head_series
prometheus_tsdb_reloads_failures_total prometheus_tsdb_storage_blocks_bytes prometheus_tsdb_wal_corruptions_total
net_conntrack_listener_conn_accepted_total net_conntrack_listener_conn_closed_total process_cpu_seconds_total process_max_fds
process_open_fds process_resident_memory_bytes process_start_time_seconds process_virtual_memory_bytes
promhttp_metric_handler_requests_total go_threads""".split()


def families(address):
    """name -> type, help and the sets of label names that occur"""
    found = {}
    for line in peers.get(address, "/metrics")[2].decode().split("\n"):
        if line.startswith("# "):
            _, what, name, text = line.split(" ", 3)
            found.setdefault(name, dict(labels=set()))[what] = text
        elif line:
            name, labels = re.match(r"(\w+)(\{.*\})?", line).groups()
            base = next((name[:-len(s)] for s in ("_bucket", "_sum", "_count") if name.endswith(s) and name[:-len(s)] in found), name)
            found[base]["labels"].add(tuple(sorted(set(re.findall(r'(\w+)="', labels or "")))))
    return found


def main():
    prometheus = peers.program("PROMETHEUS_BIN", "prometheus")
    if not prometheus:
        print("no prometheus to compare with; set PROMETHEUS_BIN")
        return 77
    config = CONFIG.format(f"{peers.HOST}:{peers.free_port()}")
    with peers.start_prometheus(prometheus, config) as real, peers.start_promenade(peers.promenade(), config) as ours:
        for server in (real, ours):
            for path in ("/api/v1/query?query=up", "/api/v1/query_range?query=up&start=1&end=2&step=1", "/metrics"):
                peers.get(server.address, path)
        time.sleep(7)  # until both have discovered and scraped their target a few times
        want, got = families(real.address), families(ours.address)
    differences = 0
    for name in sorted(want):
        if name not in got:
            continue
        for what in ("TYPE", "HELP", "labels"):
            if want[name].get(what) != got[name].get(what) and not (what == "HELP" and name in OTHER_HELP):
                differences += 1
                print(f"--- {name} {what}: prometheus {want[name].get(what)!r}, promenade {got[name].get(what)!r}")
    for name in WANTED:
        if name not in got:
            differences += 1
            print(f"--- {name} is missing")
    shared = len(set(want) & set(got))
    print(f"{shared} of {len(want)} names, {differences} differences; only here: {' '.join(sorted(set(got) - set(want)))}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
