#!/bin/bash
# A systemd for the test of the .deb: it starts what the unit says, and ends it; no more. In the test's root it is /usr/bin/systemctl.
while [[ ${1-} == --* ]]; do shift; done
echo "$*" >>/var/log/systemctl
state=/run/promenade-test.pid
unit=/usr/lib/systemd/system/promenade.service
of() { sed -n "s/^$1=//p" $unit; }
start() {
    mkdir -p "/var/lib/$(of StateDirectory)"
    rm -rf "/run/$(of RuntimeDirectory)"
    mkdir -p "/run/$(of RuntimeDirectory)"
    bash -c "$(of ExecStartPre)" >>/var/log/promenade 2>&1 || exit 1
    setsid $(of ExecStart) </dev/null >>/var/log/promenade 2>&1 &
    echo $! >$state
    # The unit says when it has started; a start that fails leaves nothing running.
    MAINPID=$! timeout 30 bash -c "$(of ExecStartPost)" >>/var/log/promenade 2>&1 || { stop; exit 1; }
    exit 0
}
stop() {
    [ -e $state ] || return 0
    process=$(<$state)
    kill -TERM "$process" 2>/dev/null
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
