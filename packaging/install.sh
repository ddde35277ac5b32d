#!/bin/sh
# install.sh [PREFIX]: puts what this folder holds below PREFIX; /usr/local for root, ~/.local for others. Everything that is put
# there stands in PREFIX/share/promenade/installed, by which uninstall.sh takes it away again. An upgrade is the same once more.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# A program that does not run here (another machine's, an older C library) is not installed; the system has said why.
version=$("$here/bin/promenade" --version) || { echo "promenade does not run here; nothing was installed" >&2; exit 1; }
if [ "$(id -u)" = 0 ]; then default=/usr/local; else default=$HOME/.local; fi
prefix=${1:-${PREFIX:-$default}}
mkdir -p "$prefix/share/promenade"
prefix=$(cd "$prefix" && pwd)
list=$prefix/share/promenade/installed
before=$(cat "$list" 2>/dev/null || true)
cd "$here"
files=$(find bin share -type f | sort)
echo "$files" | while IFS= read -r file; do
    mkdir -p "$prefix/$(dirname "$file")"
    # A program that runs cannot be written to, but its name can be given to another file.
    cp "$file" "$prefix/$file.new"
    mv -f "$prefix/$file.new" "$prefix/$file"
done
# What an older version had and this one has not.
echo "$before" | while IFS= read -r file; do
    [ -z "$file" ] || echo "$files" | grep -qxF "$file" || rm -f "$prefix/$file"
done
echo "$files" >"$list"
echo "$version is in $prefix/bin; $prefix/share/promenade/uninstall.sh takes it away"
case ":$PATH:" in *":$prefix/bin:"*) ;; *) echo "$prefix/bin is not in PATH" ;; esac
