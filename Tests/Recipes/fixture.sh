#!/bin/bash
# The stack as a fixture of a shell script.
set -euo pipefail
promenade=${PROMENADE_BIN:-promenade}

# The stack ends when this script does: its standard input closes.
coproc stack { exec "$promenade" run --test; }
read -r ready <&"${stack[0]}"
url() { sed -E "s/.*\"$1\":\"([^\"]*)\".*/\1/" <<<"$ready"; }
prometheus=$(url prometheus)
pushgateway=$(url pushgateway)

# What is tested: here a push.
echo 'rows_total 42' | curl -sSf --data-binary @- "$pushgateway/metrics/job/nightly"

# Scraped now; when this returns, the samples can be queried.
curl -sSf -o /dev/null -X POST "$prometheus/api/v1/scrape?job=pushgateway&wait=true"
"$promenade" expect --url "$prometheus" --within 0s 'rows_total{job="nightly"} == 42'
