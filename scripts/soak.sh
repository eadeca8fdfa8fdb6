#!/usr/bin/env bash
# Runs `throng serve` at 80 % of what it can do here, measured first, for SOAK (default 1h), then at 150 % for a fifth of that, and
# checks that no line is lost or counted twice, that what waits is loaded when the overload is over, and that it stops in time. Runs
# of five minutes and more also have to be flat: memory, and how many seconds' lines are read and not loaded (flat.awk).
# Lines go in through a pipe, so that only what Throng keeps of them takes disk: about 90 bytes a line, 42 in the broker.
#
# Where others use more than a quarter of the machine during the steady run, 80 % of what was measured before may be more than there
# is: whether the lag is flat is then said and not judged. Memory is judged always.
set -euo pipefail
cd "$(dirname "$0")/.."

soak=${1:-${SOAK:-1h}}
limit_memory=$((1536 << 20)) # bytes; MiB of the engine's and Throng's own, see docs/performance.md
settle=300                   # seconds from the last sign of progress until what waits has to be loaded
command -v curl >/dev/null || { echo 'skipped: curl is not installed'; exit 77; }

case $soak in
*h) seconds=$((${soak%h} * 3600)) ;;
*m) seconds=$((${soak%m} * 60)) ;;
*) seconds=${soak%s} ;;
esac
after=$((seconds / 5 > 10 ? seconds / 5 : 10)) # of overload
readonly kept=90                               # bytes a line

dir=$(mktemp -d)
serve=
cleanup() {
	[ -z "$serve" ] || kill -KILL "$serve" 2>/dev/null || true
	rm -rf "$dir"
}
trap cleanup EXIT

# At which maximum a run of this length fits on a third of the free disk.
free=$(($(df -Pk "$dir" | awk 'NR == 2 {print $4}') * 1024 / 3))
fits=$((free / kept * 10 / (8 * seconds + 15 * after)))

echo "soak: measure the maximum"
figures=$(bin/throng bench load --lines "${SOAK_MEASURE:-1000000}")
echo "soak: $figures"
most=$(awk '{for (i = 1; i <= NF; i++) if ($(i + 1) == "M" && $(i + 2) ~ /^lines/) print int($i * 1e6)}' <<<"$figures")
[ "${most:-0}" -gt 0 ] || { echo "soak: no figure in it" >&2; exit 1; }
if [ "$most" -gt "$fits" ]; then
	most=$fits
	echo "soak: the disk holds a run at 80 % of $most lines a second only"
fi
rate=$((most * 8 / 10)) over=$((most * 3 / 2))
steady=$((rate * seconds)) extra=$((over * after))

cat >"$dir/throng.yaml" <<END
dir: $dir/state
sites: [{id: www}]
# The lines are of yesterday, whose day must not be closed meanwhile: it waits for a log that never comes.
sources: [{name: pipe, site: www, stdin: true, format: combined_signals}, {name: absent, site: www, path: $dir/absent.log}]
listen: {public: "127.0.0.2:0", admin: "127.0.0.1:0"}
END
mkfifo "$dir/lines"
bin/throng serve --config "$dir/throng.yaml" <"$dir/lines" 2>"$dir/log" &
serve=$!
{
	bin/throng gen --pages 30000 --devices 1000000 --lines "$steady" --rate "$rate" --seed 1 && touch "$dir/steady"
	bin/throng gen --pages 30000 --devices 1000000 --lines "$extra" --rate "$over" --seed 2 && touch "$dir/over"
} >"$dir/lines" &
lines=$!

address=
for _ in $(seq 600); do
	address=$(sed -n 's/.*msg=serving.* metrics=\([^ ]*\).*/\1/p' "$dir/log")
	[ -z "$address" ] || break
	kill -0 "$serve" || { cat "$dir/log" >&2; exit 1; }
	sleep 0.5
done
[ -n "$address" ] || { echo "soak: it does not start" >&2; cat "$dir/log" >&2; exit 1; }

# sample writes a line of figures: seconds, memory, backlog, lines read, lines dealt with.
sample() {
	curl -fsS --max-time 20 "$address" | awk -v at="$SECONDS" '
		/^#/ {next}
		$1 == "process_resident_memory_bytes" {memory = $2}
		$1 == "throng_load_backlog_blocks" {backlog = $2}
		$1 == "throng_ship_lines_total" {read = $2}
		$1 == "throng_load_rows_total" || $1 == "throng_ship_lines_rejected_total" || $1 == "throng_ship_lines_late_total" {dealt += $2}
		END {printf "%d %.0f %d %.0f %.0f\n", at, memory, backlog, read, dealt}'
}

# watch samples until a file is there, or all lines of a number are dealt with. Only a standstill is an error.
watch() {
	local until=$1 to=$2 last=-1 since=$SECONDS line dealt
	while :; do
		kill -0 "$serve" 2>/dev/null || { echo "soak: throng serve has ended" >&2; tail -n 20 "$dir/log" >&2; exit 1; }
		if line=$(sample); then
			echo "$line" >>"$to"
			dealt=${line##* }
			[ "$dealt" = "$last" ] || last=$dealt since=$SECONDS
		fi
		if [ -n "$until" ] && [ -e "$until" ]; then return; fi
		if [ -z "$until" ] && [ "$last" -ge $((steady + extra)) ]; then return; fi
		[ $((SECONDS - since)) -lt "$settle" ] || { echo "soak: nothing happens any more: $last lines of $((steady + extra)) are counted" >&2; exit 1; }
		sleep $((seconds >= 300 ? 5 : 1))
	done
}

# busy is the time that the machine's processors worked since its start, and own that of Throng and of who makes lines, in hundredths.
busy() { awk '$1 == "cpu" {printf "%.0f\n", $2 + $3 + $4 + $7 + $8 + $9}' /proc/stat; }
own() {
	local pid sum=0
	for pid in "$serve" "$lines" $(cat "/proc/$lines/task/$lines/children" 2>/dev/null); do
		# The name in brackets can have blanks; user and system time are the 12th and 13th after it, then those of children that ended.
		sum=$((sum + $(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | awk '{print $12 + $13 + $14 + $15} END {if (!NR) print 0}')))
	done
	echo "$sum"
}

echo "soak: $rate lines a second for ${seconds} s, then $over for ${after} s"
began=$SECONDS busy=$(busy) own=$(own)
watch "$dir/steady" "$dir/steady.samples"
took=$((SECONDS - began))
others=$((($(busy) - busy - ($(own) - own)) / ($(nproc) * (took > 0 ? took : 1))))
echo "soak: $steady lines in $took s; others used $others % of the machine"
watch "$dir/over" "$dir/over.samples"
began=$SECONDS
watch "" "$dir/drain.samples"
echo "soak: what waited after the overload was loaded in $((SECONDS - began)) s"

read -r _ _ _ read dealt <<<"$(sample)"
[ "$read" -eq $((steady + extra)) ] || { echo "soak: $read lines were read of $((steady + extra))" >&2; exit 1; }
[ "$dealt" -eq "$read" ] || { echo "soak: $dealt lines were counted of $read" >&2; exit 1; }

peak=$(cat "$dir"/*.samples | awk '$2 > most {most = $2} END {printf "%.0f", most}')
echo "soak: $read lines, each counted once; peak $((peak >> 20)) MiB"
[ "$peak" -le "$limit_memory" ] || { echo "soak: the peak is over $((limit_memory >> 20)) MiB" >&2; exit 1; }

# flat NAME COLUMN ALLOWED FLOOR judges a column of the steady run: see flat.awk.
flat() {
	awk -v name="soak: $1" -v column="$2" -v allowed="$3" -v floor="$4" -f scripts/flat.awk "$dir/steady.flat"
}
if [ "$seconds" -ge 300 ]; then
	awk -v rate="$rate" '{print $1, $2 / 1048576, ($4 - $5) / rate}' "$dir/steady.samples" >"$dir/steady.flat"
	flat 'MiB of memory' 2 0.25 512 || { echo "soak: memory grows" >&2; exit 1; }
	flat 'seconds of lines that wait' 3 0.5 30 || {
		[ "$others" -gt 25 ] || { echo "soak: the lag grows" >&2; exit 1; }
		echo "soak: the lag is NOT JUDGED: others used $others % of the machine"
	}
fi

began=$SECONDS
kill -TERM "$serve"
wait "$serve" || { echo "soak: throng serve ended with an error" >&2; tail -n 5 "$dir/log" >&2; exit 1; }
serve=
echo "soak: stopped in $((SECONDS - began)) s"
