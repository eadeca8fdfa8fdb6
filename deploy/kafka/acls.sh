#!/bin/sh
# Tells a Kafka cluster what Throng's users may do, as the file grants beside this one says.
#
#   deploy/kafka/acls.sh kafka-acls.sh --bootstrap-server kafka1:9092 --command-config admin.properties
#
# The command is Kafka's own tool and whatever it needs to reach the cluster as an administrator. Telling it again changes nothing.
set -eu
[ $# -gt 0 ] || { sed -n '2,6s/^# *//p' "$0" >&2; exit 2; }
grep -v '^#' "$(dirname "$0")/grants" | while read -r user operation resource name pattern; do
	case $resource in
	Topic) set -- "$@" --topic "$name" --resource-pattern-type "$pattern" ;;
	Group) set -- "$@" --group "$name" --resource-pattern-type "$pattern" ;;
	Cluster) set -- "$@" --cluster ;;
	*) echo "grants: unknown resource $resource" >&2; exit 1 ;;
	esac
	"$@" --add --allow-principal "User:$user" --operation "$operation" </dev/null
done
