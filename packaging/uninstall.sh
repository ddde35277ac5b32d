#!/bin/sh
# uninstall.sh: takes away what install.sh has put below this prefix, and the folders that it made, if they are empty; those that were
# there before stay, as do samples, and configurations but for the service's own.
set -eu
prefix=$(cd "$(dirname "$0")/../.." && pwd)
own=$prefix/share/promenade
[ -f "$own/installed" ] || { echo "nothing of promenade is installed in $prefix" >&2; exit 1; }
unit=/etc/systemd/system/promenade.service
if [ "$(readlink "$unit" 2>/dev/null)" = "$own/promenade.service" ]; then
    echo "the service is enabled:  systemctl disable --now promenade  first" >&2
    exit 1
fi
files=$(cat "$own/installed")
# The deepest first.
folders=$(sort -r "$own/folders" 2>/dev/null || true)
rm -f "$own/installed" "$own/folders"
echo "$files" | while IFS= read -r file; do rm -f "$prefix/$file"; done
echo "$folders" | while IFS= read -r folder; do [ -z "$folder" ] || rmdir "$folder" 2>/dev/null || true; done
echo "promenade is gone from $prefix"
