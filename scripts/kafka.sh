#!/bin/sh
# A real Apache Kafka for tests: brokers on loopback, each also a controller (KRaft), 512 MB of heap each.
#
#   kafka.sh install               fetch Kafka into the user's cache folder (43 MB, once); needs Java 17 and mvn
#   kafka.sh format DIR PORT [N]   make the folders of N brokers (1); broker I listens on PORT+2(I-1), its controller one above;
#                                  DIR/extra.properties is added to each one's settings, DIR/users has SCRAM users for --add-scram,
#                                  DIR/advertised the address of each, one a line, that clients and the other brokers are told
#   kafka.sh run DIR I             be broker I, in the foreground, until told to stop
#   kafka.sh start DIR PORT [N]    format unless DIR is there, run all in the background, wait until they answer
#   kafka.sh stop DIR              stop those, by process id
#
# Exits with 77 where Java or mvn is missing. Versions are pinned in internal/broker/kafkatest/pom.xml. Not for production: no
# authentication unless DIR says so, settings for quick tests.
set -eu

pom=$(cd "$(dirname "$0")/../internal/broker/kafkatest" && pwd)/pom.xml
version=$(sed -n '/kafka_2.13/{n;s/.*<version>\(.*\)<.*/\1/p;}' "$pom")
cache=${XDG_CACHE_HOME:-${HOME:?set HOME or XDG_CACHE_HOME}/.cache}/throng
jars=$cache/kafka-$version

fail() {
	echo "kafka: $*" >&2
	exit 1
}

missing() {
	echo "kafka: CANNOT RUN A REAL KAFKA: $*" >&2
	exit 77
}

# java_17 fails unless Java is of version 17 or later, which Kafka's brokers need.
java_17() {
	command -v java >/dev/null || missing "there is no java (17 or later: apt-get install openjdk-17-jre-headless)"
	found=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
	[ "${found:-0}" -ge 17 ] || missing "java is of version ${found:-unknown}, want 17 or later"
}

install() {
	java_17
	[ -f "$jars/complete" ] && return
	command -v mvn >/dev/null || missing "there is no mvn to fetch it with (apt-get install maven)"
	umask 077
	mkdir -p "$cache"
	work=$(mktemp -d "$cache/.kafka.XXXXXX") # beside the target, so that the move is a rename
	trap 'rm -rf "$work"' EXIT
	trap 'exit 1' HUP INT TERM
	cp "$pom" "$work/pom.xml"
	mvn --batch-mode --quiet --strict-checksums --file "$work/pom.xml" dependency:copy-dependencies \
		-DincludeScope=runtime -DoutputDirectory="$work/jars" >&2 || missing "mvn could not fetch Kafka $version (see above)"
	touch "$work/jars/complete"
	mv -T "$work/jars" "$jars" 2>/dev/null || [ -f "$jars/complete" ] || fail "cannot write $jars" # another run was first
	echo "kafka: installed $jars" >&2
}

# jvm CLASS ARGS… becomes a class of Kafka.
jvm() {
	exec java -Xmx512m -Xms128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
		-Dorg.slf4j.simpleLogger.log.org.apache.kafka.server.network=error -cp "$jars/*" "$@"
}

# properties DIR PORT N I prints a broker's configuration. Tests set their clocks: timestamps far ahead are taken. What Kafka deletes
# leaves the disk after a second instead of a minute.
properties() {
	voters='' copies=$3
	for voter in $(seq "$3"); do voters=$voters${voters:+,}$voter@127.0.0.1:$(($2 + 2 * voter - 1)); done
	[ "$copies" -le 3 ] || copies=3
	cat <<-END
		process.roles=broker,controller
		node.id=$4
		controller.quorum.voters=$voters
		controller.listener.names=CONTROLLER
		listeners=CLIENT://127.0.0.1:$(($2 + 2 * $4 - 2)),CONTROLLER://127.0.0.1:$(($2 + 2 * $4 - 1))
		listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT
		inter.broker.listener.name=CLIENT
		log.dirs=$1/broker-$4/log
		auto.create.topics.enable=false
		default.replication.factor=$copies
		min.insync.replicas=$(((copies + 1) / 2))
		offsets.topic.replication.factor=$copies
		offsets.topic.num.partitions=4
		group.initial.rebalance.delay.ms=0
		broker.session.timeout.ms=3000
		broker.heartbeat.interval.ms=500
		log.message.timestamp.after.max.ms=9223372036854775807
		log.segment.delete.delay.ms=1000
		log.initial.task.delay.ms=1000
		log.index.size.max.bytes=65536
	END
	[ ! -f "$1/advertised" ] || echo "advertised.listeners=CLIENT://$(sed -n "$4p" "$1/advertised")"
	[ ! -f "$1/extra.properties" ] || cat "$1/extra.properties" # of two values of a setting Java takes the second
}

# add_users FILE CLASS ARGS… becomes a class of Kafka that is also told each line of FILE as --add-scram.
add_users() {
	users=$1
	shift
	if [ -f "$users" ]; then
		while read -r user; do set -- "$@" --add-scram "$user"; done <"$users"
	fi
	jvm "$@"
}

format() {
	for i in $(seq "$3"); do
		mkdir -p "$1/broker-$i"
		properties "$1" "$2" "$3" "$i" >"$1/broker-$i/server.properties"
		(add_users "$1/users" kafka.tools.StorageTool format --cluster-id throng-test-kafka-000A --config "$1/broker-$i/server.properties") >"$1/broker-$i/format" 2>&1 ||
			{ cat "$1/broker-$i/format" >&2 && fail "cannot format $1"; }
	done
}

# answers PORT tells whether something listens there.
answers() { bash -c "exec 3<>/dev/tcp/127.0.0.1/$1" 2>/dev/null; }

start() {
	[ -d "$1/broker-1" ] || format "$@"
	for i in $(seq "$3"); do
		(
			jvm kafka.Kafka "$1/broker-$i/server.properties"
		) >>"$1/broker-$i/output" 2>&1 &
		echo $! >"$1/broker-$i/pid"
	done
	for i in $(seq "$3"); do
		tries=360
		until answers $(($2 + 2 * i - 2)); do
			kill -0 "$(cat "$1/broker-$i/pid")" 2>/dev/null || { tail "$1/broker-$i/output" >&2 && fail "broker $i ended"; }
			[ $((tries -= 1)) -gt 0 ] || fail "broker $i did not answer within three minutes: see $1/broker-$i/output"
			sleep 0.5
		done
	done
}

# stop tells all brokers to stop; the last of several, which would wait for the others, is ended after ten seconds.
stop() {
	for pid in "$1"/broker-*/pid; do
		[ ! -f "$pid" ] || kill "$(cat "$pid")" 2>/dev/null || true
	done
	for pid in "$1"/broker-*/pid; do
		[ -f "$pid" ] || continue
		tries=50
		while kill -0 "$(cat "$pid")" 2>/dev/null; do
			[ $((tries -= 1)) -gt 0 ] || kill -9 "$(cat "$pid")" 2>/dev/null || true
			sleep 0.2
		done
		rm "$pid"
	done
}

case ${1:-} in
install) install ;;
format) install && format "${2:?DIR}" "${3:?PORT}" "${4:-1}" ;;
run) install && jvm kafka.Kafka "${2:?DIR}/broker-${3:?I}/server.properties" ;;
start) install && start "${2:?DIR}" "${3:?PORT}" "${4:-1}" ;;
stop) stop "${2:?DIR}" ;;
*)
	sed -n '4,10s/^#  *//p' "$0" >&2
	exit 2
	;;
esac
