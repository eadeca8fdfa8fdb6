#!/usr/bin/env bash
# Throng as a site runs it that has outgrown one machine, as processes of their own on loopback:
#
#   nginx (two web hosts) → ship ×2 → Apache Kafka ×3 → load ×2 → engine ← close → releases → dashboards
#                                                            └─ retention
#
# The web hosts' logs begin with yesterday, made by `throng gen` with known truth, so that there is a day to close; today is what nginx
# logs of requests that this script sends it. Where there is no nginx, `throng gen` writes today too.
#
#   cluster.sh             run until Ctrl-C
#   cluster.sh --check     end when yesterday is published, and fail unless every line of it was counted
#
# DIR, PORT: where to keep everything (a temporary folder), and the first of forty ports (21000, or the next forty that are free).
# Needs bin/throng, the embedded engine, and what scripts/kafka.sh needs. Stops what it started, by process id; exits with 77 where
# Kafka cannot be had.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly throng=$PWD/bin/throng
# free PORT tells whether nobody listens on the ports that are used from there on.
free() {
	local offset
	for offset in 0 1 2 3 4 5 10 11 12 13 21 22 23 24 25 26; do
		! (exec 3<>"/dev/tcp/127.0.0.1/$(($1 + offset))") 2>/dev/null || return 1
	done
}
port=${PORT:-21000}
until free "$port"; do
	[ -z "${PORT:-}" ] && [ "$port" -lt 29000 ] || { echo "cluster: a port of $port to $((port + 39)) is taken: set PORT" >&2; exit 1; }
	port=$((port + 40))
done
readonly port
readonly requests=20 seconds=1800 # live requests a second to each web host, and for how long
readonly today=$(date -u +%F) yesterday=$(date -u -d yesterday +%F) # of UTC, as are the days that are closed
check=
[ "${1:-}" != --check ] || check=yes
[ -x "$throng" ] || { echo 'cluster: there is no bin/throng: make build' >&2; exit 1; }
sh scripts/kafka.sh install
dir=${DIR:-$(mktemp -d)}
mkdir -p "$dir"/{web1,web2,center,pids}

# fail MESSAGE [LOG] ends everything.
fail() {
	echo "cluster: $1" >&2
	[ -z "${2:-}" ] || tail -n 20 "$2" >&2
	exit 1
}

# run NAME COMMAND… starts a process; its output goes to DIR/NAME.log.
run() {
	local name=$1
	shift
	"$@" >>"$dir/$name.log" 2>&1 &
	echo $! >"$dir/pids/$name"
	printf '  %-11s %7d  %s\n' "$name" "$!" "${*//$throng/throng}"
}

# Whoever makes lines stops first, then the stages in the order of the arrows, then what they stand on.
stop() {
	trap '' INT TERM
	echo 'cluster: stopping'
	for name in requests today1 today2 nginx ship1 ship2 load1 load2 close retention dashboards engine; do
		[ -f "$dir/pids/$name" ] || continue
		local pid
		pid=$(cat "$dir/pids/$name")
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	sh scripts/kafka.sh stop "$dir/kafka"
	[ -n "${DIR:-}" ] || rm -rf "$dir"
}
trap stop EXIT
trap 'exit 0' INT TERM

# await LIMIT WHAT COMMAND… waits until the command succeeds, for so many seconds.
await() {
	local until=$((SECONDS + $1)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $until ] || fail "waited too long for $what; the logs are in $dir" "$(ls -t "$dir"/*.log | head -n 1)"
		sleep 1
	done
}

# stage NAME DIR SOURCES ADMIN writes the configuration of a stage.
stage() {
	cat >"$dir/$1.yaml" <<-END
		dir: $dir/$2
		sites: [{id: www, title: A demonstration, routes_file: $dir/routes, public_routes: true}]
		$3
		broker: {addrs: ["127.0.0.1:$port", "127.0.0.1:$((port + 2))", "127.0.0.1:$((port + 4))"], partitions: 6, replication: 3, compression: zstd, block: {max_age: 2s}}
		store: {addr: "127.0.0.1:$((port + 10))", database: default}
		listen: {public: "127.0.0.1:$((port + 11))", admin: "127.0.0.1:$4"}
	END
}

# log_of I is the log of a web host. Close is told of both: it waits for those it knows.
log_of() { echo "{name: web$1, site: www, path: \"$dir/web$1/access.log*\", format: combined_signals}"; }

# day_before I makes the log of a web host's day before today, and its truth.
day_before() {
	"$throng" gen --from "$dir/readership.csv" --day "$yesterday" --devices 400000 --seed "$1" --truth "$dir/truth$1.json" >"$dir/web$1/access.log.1"
}

# live I writes today's lines of a web host without nginx.
live() { exec "$throng" gen --from "$dir/readership.csv" --day "$today" --seed "1$1" --rate "$requests" --lines $((requests * seconds)) >>"$dir/web$1/access.log"; }

# ask sends both web hosts requests from a few browsers, some with a signal, for half an hour at most.
ask() {
	local page agent signal
	for _ in $(seq "$seconds"); do
		for web in 1 2; do
			page=$((RANDOM % 20))
			case $((RANDOM % 4)) in 0) signal='DNT: 1' ;; 1) signal='Sec-GPC: 1' ;; *) signal='X-None: 0' ;; esac
			agent="Mozilla/5.0 (X11; Linux x86_64; rv:$((120 + RANDOM % 20)).0) Gecko/20100101 Firefox/130.0"
			curl -fsS -o /dev/null -A "$agent" -H "$signal" "http://127.0.0.1:$((port + 11 + web))/section-$((page % 3))/page-$page?[1-$requests]" || true
		done
		sleep 1
	done
}

nginx_config() {
	cat <<-END
		daemon off; pid $dir/nginx.pid; error_log $dir/nginx.log;
		events {}
		http {
			include $PWD/deploy/nginx/throng.conf;
			client_body_temp_path $dir/nginx-tmp; proxy_temp_path $dir/nginx-tmp; fastcgi_temp_path $dir/nginx-tmp;
			uwsgi_temp_path $dir/nginx-tmp; scgi_temp_path $dir/nginx-tmp;
			server { listen 127.0.0.1:$((port + 12)); access_log $dir/web1/access.log throng; location / { return 200 "a page\n"; } }
			server { listen 127.0.0.1:$((port + 13)); access_log $dir/web2/access.log throng; location / { return 200 "a page\n"; } }
		}
	END
}

{
	echo page,pageviews,visits,active_visitors
	for i in $(seq 0 19); do echo "section-$((i % 3))/page-$i,30000,$((25000 - 400 * i)),$((20000 - 400 * i))"; done
} >"$dir/readership.csv"
for i in $(seq 0 19); do echo "/section-$((i % 3))/page-$i"; done >"$dir/routes"
for i in 1 2; do
	stage "ship$i" "web$i" "sources: [$(log_of "$i")]" $((port + 20 + i))
	stage "load$i" "load$i" '' $((port + 22 + i))
	day_before "$i"
done
stage close center "sources: [$(log_of 1), $(log_of 2)]" $((port + 25))
stage retention center '' $((port + 26))
"$throng" keys init --dir "$dir/web1"
"$throng" keys export --dir "$dir/web1" >"$dir/keys"
"$throng" keys init --dir "$dir/web2" --import "$dir/keys"
rm "$dir/keys"

echo "cluster: starting three brokers (127.0.0.1:$port, :$((port + 2)), :$((port + 4)))"
sh scripts/kafka.sh start "$dir/kafka" "$port" 3
echo 'cluster: the processes, with their ids'
for i in 1 2 3; do printf '  %-11s %7d  %s\n' "kafka$i" "$(cat "$dir/kafka/broker-$i/pid")" "Apache Kafka, 127.0.0.1:$((port + 2 * i - 2))"; done
run engine "$throng" engine serve --dir "$dir/center" --listen "127.0.0.1:$((port + 10))"
await 180 'the engine' curl -fsS "http://127.0.0.1:$((port + 10))/ping"
for i in 1 2; do run "load$i" "$throng" load --config "$dir/load$i.yaml"; done
for i in 1 2; do run "ship$i" "$throng" ship --config "$dir/ship$i.yaml"; done
run close "$throng" close --config "$dir/close.yaml"
run retention "$throng" retention apply --loop --config "$dir/retention.yaml"
THRONG_LISTEN_ADMIN=127.0.0.1:$((port + 27)) run dashboards "$throng" dashboards --config "$dir/close.yaml"
if command -v nginx >/dev/null; then
	mkdir "$dir/nginx-tmp"
	nginx_config >"$dir/nginx.conf"
	run nginx nginx -c "$dir/nginx.conf"
	await 180 nginx curl -fsS -o /dev/null "http://127.0.0.1:$((port + 12))/"
	run requests ask
else
	echo 'cluster: THERE IS NO NGINX (Debian: apt-get install nginx-light): `throng gen` writes its logs'
	for i in 1 2; do run "today$i" live "$i"; done
fi

published="$dir/center/releases/www/path/$yesterday.json"
echo "cluster: yesterday's $(cat "$dir"/web?/access.log.1 | wc -l) lines are on their way; the logs of all processes are in $dir"
await 600 "the release of yesterday (it is closed ten minutes after midnight UTC at the earliest)" test -f "$published"

# counted is how many of yesterday's events are in the store, and how many the truth has.
counted() {
	curl -fsS "http://127.0.0.1:$((port + 10))/" --data-binary "SELECT count() FROM events WHERE toDate(time, 'UTC') = toDate('$yesterday')"
}
expected() { sed -n 's/^  "\(lines\|rejected\)": \([0-9]*\),*$/\1 \2/p' "$dir"/truth?.json | awk '{ sum += $1 == "lines" ? $2 : -$2 } END { print sum }'; }
echo "cluster: yesterday is published: $(counted) events are stored, the truth has $(expected)"
[ "$(counted)" = "$(expected)" ] || fail 'the store and the truth differ'
curl -fsS "http://127.0.0.1:$((port + 11))/" | grep -q 'A demonstration' || fail 'the dashboards do not show the site' "$dir/dashboards.log"
echo "cluster: look at http://127.0.0.1:$((port + 11))/ (Ctrl-C stops everything)"
[ -z "$check" ] || exit 0
wait "$(cat "$dir/pids/dashboards")" || fail 'the dashboards ended' "$dir/dashboards.log"
