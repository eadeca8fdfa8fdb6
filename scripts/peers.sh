#!/bin/sh
# Fetches the test suites that throng is held to (internal/peers) into the user's cache folder, once each, by package name and
# version through the package managers. Prints the folder that they are in.
#
# What cannot be fetched is named, and left out; with nothing at all it exits with 77. Needs pip, npm and cargo, and python3 to read
# the suites with; nothing of a suite is installed or run.
set -u

cache=${XDG_CACHE_HOME:-${HOME:?set HOME or XDG_CACHE_HOME}/.cache}/throng/peers
mkdir -p "$cache"
work=$(mktemp -d "$cache/.fetching.XXXXXX") # on the same disk, so that a suite is moved into place whole
trap 'rm -rf "$work"' EXIT

# keep FOLDER NAME puts what was fetched in place: whole, or not at all.
keep() {
	[ -d "$1" ] || return 1
	mv -T "$1" "$cache/$2" 2>/dev/null || [ -d "$cache/$2" ]
}

# Within a time each, and all within five minutes and the last one's: a registry that hangs must not hold up the others.
pypi() {
	# The source distribution, which has the tests.
	timeout 120 pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest "$work" "$1==$2" &&
		tar -xzf "$work/$1-$2.tar.gz" -C "$work" && keep "$work/$1-$2" "$1-$2"
}

npm_package() {
	(cd "$work" && timeout 120 npm pack --silent "$1@$2") && mkdir "$work/$1" &&
		tar -xzf "$work/$1-$2.tgz" -C "$work/$1" && keep "$work/$1/package" "$1-$2"
}

crate() {
	mkdir -p "$work/crate/src" && : >"$work/crate/src/lib.rs" &&
		printf '[package]\nname = "peers"\nversion = "0.0.0"\n[dependencies]\n%s = { version = "=%s", default-features = false }\n' "$1" "$2" >"$work/crate/Cargo.toml" &&
		(cd "$work/crate" && timeout 120 cargo fetch --quiet) || return 1
	for found in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"$1-$2"; do
		cp -R "$found" "$work/$1-$2" && keep "$work/$1-$2" "$1-$2" && return
	done
	return 1
}

fetched=0
deadline=$(($(date +%s) + 300))

in_time() {
	[ "$(date +%s)" -lt "$deadline" ] || { echo 'the five minutes for fetching are over'; return 1; }
}

# suite HOW NAME VERSION
suite() {
	if [ -d "$cache/$2-$3" ] || { in_time && "$1" "$2" "$3"; } >"$work/log" 2>&1; then
		fetched=$((fetched + 1))
	else
		echo "peers: COULD NOT FETCH $2 $3 ($1): its suite does not run" >&2
		tail -n 3 "$work/log" >&2
	fi
}

suite pypi apachelogs 0.6.1
suite pypi apache-log-parser 1.7.0
suite pypi lars 1.0
suite crate vrl 0.27.0
suite pypi anonip 1.1.0
suite npm_package ip-anonymize 0.1.0
suite pypi referer-parser 0.4.1
suite npm_package inbound 0.0.6
suite npm_package crawler-user-agents 1.60.0
suite pypi crawlerdetect 0.4.2

[ "$fetched" -gt 0 ] || exit 77
echo "$cache"
