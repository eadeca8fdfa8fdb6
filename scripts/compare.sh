#!/bin/bash
# Runs throng, ClickHouse's SQL and GoAccess on one log, in turns, and prints what each needs for a million
# lines. GoAccess is taken where it is installed (Debian: apt-get install goaccess). What the three do is not the
# same: docs/performance.md says how they differ.
set -euo pipefail

lines=${1:-4000000} rounds=${2:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bin/throng gen --pages 30000 --lines "$lines" --devices 10000000 --user-agents 2000 >"$work/access.log"

# goaccess reads a tenth of the log, and its time is multiplied: it is that much slower.
goaccess_once() {
	local real user sys
	{ TIMEFORMAT='%R %U %S'; time goaccess "$work/tenth.log" --log-format='%h %^[%d:%t %^] "%r" %s %b "%R" "%u"%^' --date-format=%d/%b/%Y \
		--time-format=%T --no-global-config --anonymize-ip --no-progress -o "$work/report.json" >/dev/null 2>&1; } 2>"$work/time"
	read -r real user sys <"$work/time"
	awk -v n="$(wc -l <"$work/tenth.log")" -v r="$real" -v c="$user" -v s="$sys" \
		'BEGIN { printf "goaccess: %d lines in %.2f s: %.2f M lines/s, %.2f CPU-s/M\n", n, r, n/1e6/r, (c+s)/(n/1e6) }'
}

if command -v goaccess >/dev/null; then
	head -n $((lines / 10)) "$work/access.log" >"$work/tenth.log"
	goaccess --version | head -n 1
else
	echo 'compare: goaccess is left out: it is not installed (Debian: apt-get install goaccess)'
fi
for _ in $(seq "$rounds"); do
	bin/throng bench --dir "$work" parse "$work/access.log"
	bin/throng bench --dir "$work" load "$work/access.log"
	bin/throng bench --dir "$work" sql "$work/access.log"
	if command -v goaccess >/dev/null; then goaccess_once; fi
done
