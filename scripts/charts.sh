#!/bin/sh
# Takes the chart library out of its npm package into dashboards/static, where it is embedded from. The files are committed, so
# that Go alone builds the program; run this after a change of dashboards/charts/package.json. With --check it changes nothing and
# fails where the committed files are not those of the package that the lock file names.
set -eu

cd "$(dirname "$0")/.."
command -v npm >/dev/null || { echo 'charts: npm is needed to fetch the chart library' >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp dashboards/charts/package.json dashboards/charts/package-lock.json "$work/"
(cd "$work" && npm ci --prefer-offline --ignore-scripts --no-audit --no-fund --loglevel=error)

package=$work/node_modules/uplot
for pair in dist/uPlot.iife.min.js:uplot.js dist/uPlot.min.css:uplot.css LICENSE:uplot.LICENSE; do
	from=$package/${pair%%:*} to=dashboards/static/${pair##*:}
	if [ "${1:-}" = --check ]; then
		cmp "$from" "$to" || { echo "charts: $to is not what npm has: run make charts" >&2; exit 1; }
	else
		cp "$from" "$to"
	fi
done
