#!/bin/bash
# A systemd for the test of the .deb: it starts what the unit says, and ends it; no more. In the test's root it is /usr/bin/systemctl.
while [[ ${1-} == --* ]]; do shift; done
echo "$*" >>/var/log/systemctl
state=/run/promenade-test.pid
start() {
    command=$(sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/promenade.service)
    mkdir -p "/var/lib/$(sed -n 's/^StateDirectory=//p' /usr/lib/systemd/system/promenade.service)"
    setsid $command </dev/null >>/var/log/promenade 2>&1 &
    echo $! >$state
    for _ in {1..100}; do promenade check ready >/dev/null 2>&1 && exit 0; read -rt 0.1 <> <(:); done
    exit 1
}
stop() {
    [ -e $state ] || return 0
    process=$(<$state)
    kill -TERM "$process"
    for _ in {1..100}; do kill -0 "$process" 2>/dev/null || break; read -rt 0.1 <> <(:); done
    kill -0 "$process" 2>/dev/null && { echo "the service does not end" >>/var/log/systemctl; kill -KILL "$process"; }
    rm $state
}
case ${1-} in
    start) [ -e $state ] || start ;;
    stop) stop ;;
    restart) stop; start ;;
    is-enabled) echo enabled ;;
    is-active) [ -e $state ] ;;
    *) ;;
esac
