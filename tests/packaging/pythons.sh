#!/usr/bin/env bash
# Prints one interpreter for each supported minor version that this machine has, the given one first.
set -euo pipefail
seen=" "
versions=$(command -v pyenv >/dev/null && ls -d "$(pyenv root)"/versions/3.*/bin/python 2>/dev/null || true)
for candidate in "$1" python3.11 python3.12 python3.13 python3.14 $versions; do
    version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    case "$version" in 3.11 | 3.12 | 3.13 | 3.14) ;; *) continue ;; esac
    case "$seen" in *" $version "*) continue ;; esac
    seen="$seen$version "
    command -v "$candidate"
done
