#!/bin/sh
# Installs the embedded ClickHouse engine into the user's cache folder, where throng looks for it.
#
# The version, its npm integrity and the SHA-256 of the library are committed under deploy/engine.
# A second run does nothing. Runs at the same time do no harm: each works in a folder of its own and
# moves a whole file into place, and all of them move the same bytes with the same modification time.
set -eu

version=26.7.3-stable.1
platform=linux-x64
# Every copy carries this modification time (1985-10-26 08:15:00 UTC, as npm's archives do), so that
# the stamp fits whichever run's copy stays.
mtime=499162500
mtime_touch=198510260815.00

fail() {
	echo "engine: $*" >&2
	exit 1
}

elsewhere="Elsewhere, set THRONG_CHDB_LIB to the path of a libchdb of version $version."
[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] ||
	fail "there is a tested engine for Linux on x86-64 only, not for $(uname -s) on $(uname -m). $elsewhere"
if (ldd --version 2>&1 || true) | grep -qi musl; then
	fail "the engine needs glibc, and this system has musl. $elsewhere"
fi

source=$(cd "$(dirname "$0")/../deploy/engine/$platform" && pwd)
cache=${XDG_CACHE_HOME:-${HOME:?set HOME or XDG_CACHE_HOME}/.cache}/throng
target=$cache/chdb-$version-$platform
library=$target/libchdb.so
stamp=$target/libchdb.so.stamp
read -r sha256 _ <"$source/SHA256SUMS"

# stamp_of FILE prints what the stamp of a complete copy says; throng compares it before it loads.
stamp_of() {
	printf 'size %s\nmtime %s\nsha256 %s\n' "$(stat -c %s "$1")" "$(stat -c %Y "$1")" "$sha256"
}

if [ -f "$library" ] && [ -f "$stamp" ] && [ "$(stamp_of "$library")" = "$(cat "$stamp")" ]; then
	echo "engine: $library is there"
	exit 0
fi
command -v npm >/dev/null ||
	fail "npm is needed to fetch the engine (570 MB). Install it, or set THRONG_CHDB_LIB to the path of a libchdb of version $version."

umask 077
mkdir -p "$target"
work=$(mktemp -d "$cache/.engine.XXXXXX") # beside the target, so that the move is a rename
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cp "$source/package.json" "$source/package-lock.json" "$work/"
(cd "$work" && npm ci --prefer-offline --ignore-scripts --no-audit --no-fund --loglevel=error) ||
	fail "npm could not install the engine (see above)"

fetched=$work/node_modules/@chdb/lib-$platform-gnu/libchdb.so
(cd "$(dirname "$fetched")" && sha256sum --check --status "$source/SHA256SUMS") ||
	fail "the library that npm installed is not the one whose SHA-256 is in deploy/engine/$platform/SHA256SUMS"
TZ=UTC0 touch -t $mtime_touch "$fetched"
[ "$(stat -c %Y "$fetched")" = $mtime ] || fail "cannot set the library's modification time"
chmod 0644 "$fetched"
stamp_of "$fetched" >"$work/stamp"
sync "$fetched" "$work/stamp"
mv -f "$fetched" "$library"
mv -f "$work/stamp" "$stamp"
echo "engine: installed $library"
