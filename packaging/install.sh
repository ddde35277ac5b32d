#!/bin/sh
# install.sh [PREFIX]: puts what this folder holds below PREFIX; /usr/local for root, ~/.local for others. Everything that is put
# there stands in PREFIX/share/promenade/installed, and the folders that had to be made in …/folders, by which uninstall.sh takes them
# away again. An upgrade is the same once more.
set -eu
usage() { echo "usage: ./install.sh [PREFIX]     (without one: /usr/local for root, ~/.local for others)"; }
case ${1:-} in
    -h | --help) usage; exit 0 ;;
    -*) usage >&2; exit 2 ;;
esac
[ $# -le 1 ] || { usage >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
prefix=${1:-${PREFIX:-}}
if [ -z "$prefix" ]; then
    if [ "$(id -u)" = 0 ]; then
        prefix=/usr/local
    elif [ -n "${HOME:-}" ]; then
        prefix=$HOME/.local
    else
        echo "HOME is not set: name the folder, ./install.sh PREFIX" >&2
        exit 2
    fi
fi
case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
# A program that does not run here (another machine's, an older C library) is not installed; the system has said why.
version=$("$here/bin/promenade" --version) || { echo "promenade does not run here; nothing was installed" >&2; exit 1; }

# Makes a folder and those above it, and tells which of them were not there.
make() {
    [ -d "$1" ] && return
    make "$(dirname "$1")"
    mkdir "$1"
    echo "$1"
}
made=$(make "$prefix/share/promenade")
prefix=$(cd "$prefix" && pwd)
list=$prefix/share/promenade/installed
before=$(cat "$list" 2>/dev/null || true)
[ -z "$made" ] || echo "$made" >>"$prefix/share/promenade/folders"
cd "$here"
files=$(find bin share -type f | sort)
echo "$files" | while IFS= read -r file; do
    make "$prefix/$(dirname "$file")" >>"$prefix/share/promenade/folders"
    # A program that runs cannot be written to, but its name can be given to another file.
    cp "$file" "$prefix/$file.new"
    mv -f "$prefix/$file.new" "$prefix/$file"
done
# The service starts the program that is here, with the configuration that is here.
unit=$prefix/share/promenade/promenade.service
if [ -f "$unit" ]; then
    place=$(printf '%s' "$prefix" | sed 's/%/%%/g; s/[\\&|]/\\&/g')
    sed "s|@PREFIX@|$place|g" "$here/share/promenade/promenade.service" >"$unit"
fi
# What an older version had and this one has not.
echo "$before" | while IFS= read -r file; do
    [ -z "$file" ] || echo "$files" | grep -qxF "$file" || rm -f "$prefix/$file"
done
echo "$files" >"$list"
echo "$version is in $prefix/bin; $prefix/share/promenade/uninstall.sh takes it away"
case ":${PATH:-}:" in *":$prefix/bin:"*) ;; *) echo "$prefix/bin is not in PATH" ;; esac
case $prefix in
    /usr | /usr/local) ;;
    *) echo "zsh completes it with this line in ~/.zshrc, before compinit:  fpath=('$prefix/share/zsh/site-functions' \$fpath)" ;;
esac
