#!/bin/sh
# uninstall.sh: takes away what install.sh has put below this prefix; samples and configurations stay where they are.
set -eu
prefix=$(cd "$(dirname "$0")/../.." && pwd)
list=$prefix/share/promenade/installed
[ -f "$list" ] || { echo "nothing of promenade is installed in $prefix" >&2; exit 1; }
files=$(cat "$list")
rm -f "$list"
echo "$files" | while IFS= read -r file; do
    rm -f "$prefix/$file"
    folder=$(dirname "$file")
    # Folders that are empty now, up to the prefix.
    while [ "$folder" != . ]; do
        rmdir "$prefix/$folder" 2>/dev/null || break
        folder=$(dirname "$folder")
    done
done
rmdir "$prefix/share/promenade" "$prefix/share" 2>/dev/null || true
echo "promenade is gone from $prefix"
