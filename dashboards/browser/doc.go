// Package browser looks at the dashboards as their readers do: its tests drive Chromium through the tasks of
// analysts, auditors and visitors, with scripts and without, on a phone and on a desk, in light and in dark, by
// mouse, by keyboard and on paper, over releases that the fixture makes and over releases that the real closer
// drew.
//
// Each page that is come to is held to the same rules: it answers 200, asks no one but its own server, keeps the
// Content-Security-Policy that it sends, leaves the console empty, moves less than 150 kB, and is no wider than
// the window. axe-core finds nothing on any kind of page; that is no proof that everyone can use them, and does
// not stand for trying.
//
// The tests are skipped without THRONG_TEST_BROWSER; .ci/browser installs what they need and runs them.
package browser
