#!/bin/sh
# Writes bin/throng_VERSION_amd64.deb from bin/throng: the program, its units, an example of its configuration, the files for its neighbours
# (nginx, ClickHouse, Prometheus, Grafana) and the documentation. Needs dpkg-deb; `make package` builds the program first.
set -eu
cd "$(dirname "$0")/.."
version=$1
# A tag v1.2.3 is 1.2.3; anything else begins with a digit, as Debian wants, and sorts before every release.
case $version in
v[0-9]*) version=${version#v} ;;
*) version=0~$version ;;
esac
version=$(printf %s "$version" | sed 's/-/~/g')
# The time of the last commit stands for that of every file, so that the same source makes the same package.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 0755 "$root"

put() { # MODE TO FROM…
	mode=$1 to=$root$2
	shift 2
	mkdir -p "$to"
	install -m "$mode" -t "$to" "$@"
}
put 0755 /usr/bin bin/throng
put 0644 /usr/lib/systemd/system deploy/systemd/throng.service deploy/systemd/throng@.service
mkdir -p "$root/etc/throng"
put 0644 /etc/throng deploy/systemd/*.env
doc=/usr/share/doc/throng
put 0644 $doc README.md THIRD_PARTY_NOTICES.md deploy/debian/copyright
sh scripts/sbom.sh bin/throng >"$root$doc/sbom.cdx.json"
chmod 0644 "$root$doc/sbom.cdx.json"
gzip -9n <CHANGELOG.md >"$root$doc/changelog.gz"
for dir in docs docs/adr docs/design docs/runbooks; do put 0644 $doc/$dir $dir/*.*; done
put 0644 $doc/examples deploy/throng.example.yaml
for dir in nginx clickhouse prometheus grafana/dashboards rsyslog vector fluent-bit systemd/throng@load.service.d systemd/throng@close.service.d systemd/throng@retention.service.d; do put 0644 $doc/examples/$dir deploy/$dir/*.*; done
mkdir "$root/DEBIAN"
size=$(du -sk --exclude DEBIAN "$root" | cut -f1)
sed "s/@VERSION@/$version/; s/@SIZE@/$size/" deploy/debian/control.in >"$root/DEBIAN/control"
install -m 0755 deploy/debian/postinst deploy/debian/prerm deploy/debian/postrm "$root/DEBIAN/"
(cd "$root" && find etc -type f | LC_ALL=C sort | sed "s|^|/|") >"$root/DEBIAN/conffiles"
(cd "$root" && find usr etc -type f | LC_ALL=C sort | xargs md5sum) >"$root/DEBIAN/md5sums"
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Zgzip --build "$root" "bin/throng_${version}_amd64.deb"
