#!/usr/bin/env bash
# Proves that what users install works: sdist, wheel from the sdist, clean environments, the network-free tests in a folder that
# holds nothing but the tests. An editable install can hide a file that the wheel forgot; this cannot.
#
#   tests/packaging/check_wheel.sh JUNIT_FOLDER
set -euo pipefail
cd "$(dirname "$0")/../.."
repository=$PWD
mkdir -p "$1"
junit=$(cd "$1" && pwd)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "building the sdist, and the wheel from the sdist"
.venv/bin/python -m build --quiet --outdir "$work/dist" . >/dev/null
wheel=$(ls "$work"/dist/*.whl)
.venv/bin/python tests/packaging/check_contents.py "$work"/dist/*.tar.gz "$wheel"

# Nothing here but the tests and the settings of pytest.
mkdir "$work/empty"
cp -r pyproject.toml tests "$work/empty/"
rm -rf "$work"/empty/tests/{js/node_modules,conformance,browser}
cd "$work/empty"

pythons=$("$repository/tests/packaging/pythons.sh" "$repository/.venv/bin/python")

check() { # PYTHON VERSION
    "$1" -m venv "$work/venv-$2"
    local run="$work/venv-$2/bin/python"
    "$run" -m pip install --quiet --disable-pip-version-check "$wheel[msgpack,speed,trio]" 'pytest>=8.3' 'hypothesis>=6.120' 'trustme>=1.2'
    "$run" -c "import sansio_eio, sys; assert sansio_eio.__file__.startswith(sys.prefix), sansio_eio.__file__"
    "$run" -m pytest tests -m "not checkout" -p no:cacheprovider --junitxml="$junit/wheel-$2.xml"
}

# All of them at the same time: one alone would leave processors idle.
declare -A checks
for python in $pythons; do
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "the network-free tests on the wheel, Python $version"
    (set -e; check "$python" "$version") >"$work/$version.log" 2>&1 &
    checks[$version]=$!
done
failed=0
for version in "${!checks[@]}"; do
    wait "${checks[$version]}" || failed=1
    cat "$work/$version.log"
done
exit "$failed"
