#!/bin/sh
# Fuzzes each fuzz target of the module for the given time (default 10s), one after the other, since
# `go test -fuzz` takes one target of one package at a time.
set -eu

time=${1:-10s}
targets=0
for package in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "fuzz: $package $target for $time"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$package"
		targets=$((targets + 1))
	done
done
[ "$targets" -gt 0 ] || { echo "fuzz: there is no fuzz target" >&2; exit 1; }
echo "fuzz: $targets targets, nothing found"
