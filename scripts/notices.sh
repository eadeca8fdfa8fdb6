#!/bin/sh
# Prints THIRD_PARTY_NOTICES.md: what is linked into bin/throng or embedded in it, with the licence texts as they stand in the
# module cache. A module without a licence file, or with one that is not recognised or not allowed, stops the script.
# `notices.sh kinds FILE` names the licences in one file.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# kinds FILE names the licences in it by words that only they have. A licence that would bind the whole program, or limit its
# use, is refused first: some of these name others in their text.
kinds() {
	if grep -qE '^[[:space:]]*GNU (AFFERO |LESSER |LIBRARY )?GENERAL PUBLIC LICENSE|Business Source License|Server Side Public License|Commons Clause|Elastic License' "$1"; then
		echo "notices: $1 is of a licence that is not allowed" >&2
		return 1
	fi
	{
		grep -q 'Apache License' "$1" && echo Apache-2.0
		grep -q 'Mozilla Public License' "$1" && echo MPL-2.0
		grep -q 'Permission is hereby granted, free of charge' "$1" && echo MIT
		grep -q 'Permission to use, copy, modify, and' "$1" && echo ISC
		grep -q 'CC0 1.0 Universal' "$1" && echo CC0-1.0
		grep -qi 'public domain' "$1" && echo 'public domain'
		if grep -qE 'Neither the name|names of its contributors' "$1"; then
			echo BSD-3-Clause
		elif grep -qi 'redistributions in binary form' "$1"; then
			echo BSD-2-Clause
		fi
	} | paste -s -d , | sed 's/,/, /g' | grep . || { echo "notices: $1 is of no known licence" >&2; return 1; }
}

# keep USER FILE remembers a text once, and everyone it belongs to.
keep() {
	sum=$(sha256sum <"$2" | cut -d ' ' -f 1)
	[ -f "$work/$sum.text" ] || cp "$2" "$work/$sum.text"
	echo "$1" >>"$work/$sum.users"
}

if [ "${1:-}" = kinds ]; then
	kinds "$2"
	exit
fi

CGO_ENABLED=0 go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/throng >"$work/list"
{
	sort -u "$work/list"
	echo "std $(go env GOVERSION) $(go env GOROOT)"
} >"$work/modules"

cat <<'END'
<!-- Made by: make notices -->

# Third-party notices

Throng is licensed under the Apache License 2.0 (see LICENSE). Its program holds the following software and data of others.

| component | version | licence |
|---|---|---|
END
while read -r module version dir; do
	licence=$(find "$dir" -maxdepth 1 -type f \( -iname 'licen[cs]e*' -o -iname 'copying*' \) | sort | head -n 1)
	[ -n "$licence" ] || { echo "notices: $module has no licence file" >&2; exit 1; }
	name=$(kinds "$licence")
	echo "| $module | $version | $name |"
	for file in "$licence" "$dir"/NOTICE*; do
		[ ! -f "$file" ] || keep "$module" "$file"
	done
done <"$work/modules"
cat <<'END'

Embedded as data, each beside its licence:

| licence file | licence |
|---|---|
END
find . -name node_modules -prune -o -name .git -prune -o -mindepth 2 -type f -iname '*licen[cs]e*' -print | sort >"$work/data"
while read -r licence; do
	name=$(kinds "$licence")
	echo "| ${licence#./} | $name |"
	keep "${licence#./}" "$licence"
done <"$work/data"
cat <<'END'

In the public domain or under CC0-1.0, without a text to keep: the referrer classes of matomo-org/searchengine-and-social-list and the
spam domains of matomo-org/referrer-spam-list ([anonymize/lists](anonymize/lists/README.md)).

Loaded at run time and not part of the program: chDB (`@chdb/lib-linux-x64-gnu`), which is ClickHouse as a library, Apache-2.0.

## Texts
END
for users in "$work"/*.users; do
	printf '\n### %s\n\n' "$(paste -s -d , "$users" | sed 's/,/, /g')"
	sed 's/^/    /; s/[[:space:]]*$//' "${users%.users}.text"
done
