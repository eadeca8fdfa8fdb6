package clickhouse_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"throng"
	"throng/internal/clickhouse/clickhousetest"
)

func TestEachText(t *testing.T) {
	s := clickhousetest.Open(t)
	day := throng.DayOf(time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC))
	for i, site := range []string{"one", "two", "two", "thr\"ee'"} {
		id := throng.ReleaseID{Site: site, Table: throng.PathTable, Period: (day + throng.Day(i)).Period()}
		if err := s.MirrorRelease(t.Context(), id, "00", []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	add := func(text string) error { got = append(got, text); return nil }
	if err := s.EachText(t.Context(), "default", "releases", "site", add); err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if want := []string{"one", "thr\"ee'", "two"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	stop := errors.New("enough")
	if err := s.EachText(t.Context(), "default", "releases", "site", func(string) error { return stop }); err != stop {
		t.Errorf("stopped with %v", err)
	}
	for _, where := range [][3]string{{"default", "releases", "nobody"}, {"default", "releases; DROP TABLE releases", "site"}, {"", "releases", "site"}} {
		if err := s.EachText(t.Context(), where[0], where[1], where[2], add); err == nil || strings.Contains(err.Error(), "two") {
			t.Errorf("%q: %v", where, err)
		}
	}
	if err := s.EachText(t.Context(), "default", "releases", "site", func(string) error { return nil }); err != nil {
		t.Errorf("the table is damaged: %v", err)
	}
}
