#!/bin/sh
# Sends a flood of lines in which nothing repeats (every path, user agent, referrer and address is new) through
# the embedded broker into the embedded engine, and fails when the process needs more than 1.2 GiB.
set -eu

lines=${1:-50000000}
limit=1229 # MiB
result=$(bin/throng gen --flood --lines "$lines" | bin/throng bench load -)
echo "flood $result"
peak=$(echo "$result" | sed -n 's/.*peak \([0-9]*\) MiB.*/\1/p')
[ "${peak:-999999}" -le "$limit" ] || { echo "scale: the peak is over $limit MiB" >&2; exit 1; }
