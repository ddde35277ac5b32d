#!/bin/bash
# The life of the .deb in a root that is a copy of this machine's, thrown away at the end: deb_life.sh FIRST.deb SECOND.deb SYSTEMCTL.
# Runs in namespaces of its own for mounts, network and processes. What it prints is compared by test_deb.py.
set -euo pipefail
first=$1 second=$2 systemctl=$3
root=$(mktemp -d)
mount -t tmpfs none "$root"
mkdir "$root/upper" "$root/work" "$root/all"
mount -t overlay overlay -o "lowerdir=/,upperdir=$root/upper,workdir=$root/work" "$root/all"
all=$root/all
mount -t proc none "$all/proc"
mount --rbind /dev "$all/dev"
mount -t tmpfs none "$all/run"
mount -t tmpfs none "$all/tmp"
mkdir -p "$all/run/systemd/system"
rm -f "$all/usr/sbin/policy-rc.d" "$all/usr/bin/systemctl" "$all/usr/bin/promenade" "$all/usr/local/bin/promenade"
cp "$first" "$all/tmp/first.deb"
cp "$second" "$all/tmp/second.deb"
install -m 755 "$systemctl" "$all/usr/bin/systemctl"
ip link set lo up

inside() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 chroot "$all" "$@"; }
told() { echo "$1: $(paste -sd' ' "$all/var/log/systemctl" 2>/dev/null | grep -oE '\b(start|stop|restart) promenade.service' | paste -sd,)"; : >"$all/var/log/systemctl"; }
ask() { inside promenade query "$1" | grep -o '"value":\[[^]]*\]' | sed 's/.*,"\(.*\)"]/\1/' | paste -sd' '; }

inside dpkg -i /tmp/first.deb >/dev/null
told install
inside promenade --version
inside promenade check config /etc/promenade/stack.yml >/dev/null && echo "the conffile is well"
echo 'rows_total 42' | inside bash -c 'exec 3<>/dev/tcp/127.0.0.1/9091; body=$(cat); printf "PUT /metrics/job/nightly HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s\n" $((${#body} + 1)) "$body" >&3; head -1 <&3'
inside promenade expect 'rows_total == 42' 'up{job="prometheus"} == 1' --within 20s >/dev/null && echo "what was pushed is scraped"
echo "jobs: $(inside promenade expect 'up{job="demo"}' --within 0s >/dev/null && echo with demo || echo without demo)"
echo "# mine" >>"$all/etc/promenade/stack.yml"
before=$(<"$all/run/promenade-test.pid")
inside dpkg -i /tmp/second.deb >/dev/null
told upgrade
[ "$before" != "$(<"$all/run/promenade-test.pid")" ] && echo "another process"
tail -1 "$all/etc/promenade/stack.yml"
echo "rows_total: $(ask 'last_over_time(rows_total[1h])')"
# What is wrong is told when the package is installed: the start is over when it is ready.
cp "$all/etc/promenade/stack.yml" "$all/tmp/well.yml"
echo 'garbage: [' >>"$all/etc/promenade/stack.yml"
line=$(wc -l <"$all/etc/promenade/stack.yml")
inside dpkg -i /tmp/second.deb >"$all/tmp/told" 2>&1
echo "broken: $(grep -o 'the service did not restart' "$all/tmp/told"), $(grep -qE "stack.yml:($line|$((line + 1))):" "$all/tmp/told" && echo line of the conffile told)"
cp "$all/tmp/well.yml" "$all/etc/promenade/stack.yml"
told broken >/dev/null
inside dpkg -i /tmp/second.deb >/dev/null
told mended
inside systemctl stop promenade.service
inside promenade run --test --no-demo.enabled --web.listen-address=127.0.0.1:9090 --pushgateway.listen-address=127.0.0.1:9091 --ready-file=/tmp/other \
    > >(cat >/dev/null) < <(exec sleep 60) &
other=$!
for _ in {1..100}; do [ -e "$all/tmp/other" ] && break; sleep 0.1; done
inside dpkg -i /tmp/second.deb >"$all/tmp/told" 2>&1
echo "port taken: $(grep -o 'the service did not restart' "$all/tmp/told")"
kill "$(grep -o '"pid":[0-9]*' "$all/tmp/other" | cut -d: -f2)"
wait "$other" 2>/dev/null || true
inside systemctl start promenade.service
told started >/dev/null
inside dpkg -r promenade >/dev/null
told remove
[ -e "$all/usr/bin/promenade" ] || echo "no program"
[ -e "$all/etc/promenade/stack.yml" ] && [ -e "$all/var/lib/promenade/stack.db" ] && echo "configuration and samples are kept"
inside dpkg -P promenade >/dev/null
left=$(cd "$root/upper" && find . -name '*promenade*' -not -path './var/log/*' -not -path './root/*' -type f)
echo "left: $left"
