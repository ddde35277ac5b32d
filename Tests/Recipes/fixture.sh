#!/bin/bash
# The stack as a fixture of a shell script.
set -euo pipefail
promenade=${PROMENADE_BIN:-promenade}

# The stack ends when this script does: its standard input closes. Time passes only by `advance`.
coproc stack { exec "$promenade" run --test --clock=manual; }
read -r ready <&"${stack[0]}"
url() { sed -E "s/.*\"$1\":\"([^\"]*)\".*/\1/" <<<"$ready"; }
prometheus=$(url prometheus)
pushgateway=$(url pushgateway)

# A request; where it is refused, the server's own words are told.
send() { curl -sS --fail-with-body "$@" || { echo " (refused: ${*: -1})" >&2; return 1; }; }
# Everything that falls due within a duration is done when this returns.
advance() { send -o /dev/null -X POST "$prometheus/api/v1/clock?advance=$1"; }
# Fails, with what was seen instead, unless all conditions hold now.
expect() { "$promenade" expect --url "$prometheus" --pushgateway "$pushgateway" --within 0s "$@"; }

# What is tested: here a push.
echo 'rows_total 42' | send --data-binary @- "$pushgateway/metrics/job/nightly"

# Scraped now; when this returns, the samples can be queried.
send -o /dev/null -X POST "$prometheus/api/v1/scrape?job=pushgateway&wait=true"
expect 'rows_total{job="nightly"} == 42'

# Another push, which the next scrape finds: the built-in configuration scrapes every five seconds.
echo 'rows_total 50' | send --data-binary @- "$pushgateway/metrics/job/nightly"
advance 10s
expect 'rows_total == 50' 'changes(rows_total[1m]) == 1'
