#!/bin/bash
# Runs the benchmarks and shows them with benchstat. With BASE=REVISION it builds that revision beside this
# tree, runs both in turns, so that a noisy machine meets both alike, and compares them.
#   BENCH  which benchmarks, a regular expression     COUNT  how often each (10)
#   PKG    which packages                             TIME   how long each time (300ms)
set -euo pipefail

bench=${BENCH:-.} count=${COUNT:-10} time=${TIME:-300ms} base=${BASE:-}
read -ra packages <<<"${PKG:-./ingest/... ./anonymize/...}"
benchstat=(go run golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da)
work=$(mktemp -d)
trap 'git worktree remove --force "$work/base" 2>/dev/null || true; rm -rf "$work"' EXIT

# run TREE OUTPUT runs the benchmarks of a tree once.
run() {
	(cd "$1" && go test -run '^$' -bench "$bench" -benchmem -benchtime "$time" -count 1 "${packages[@]}") | tee -a "$2" | grep '^Benchmark' || true
}

if [ -n "$base" ]; then
	git worktree add --quiet --detach "$work/base" "$base"
fi
for _ in $(seq "$count"); do
	if [ -n "$base" ]; then run "$work/base" "$work/before"; fi
	run . "$work/now"
done
if [ -n "$base" ]; then
	"${benchstat[@]}" "$work/before" "$work/now"
else
	"${benchstat[@]}" "$work/now"
fi
