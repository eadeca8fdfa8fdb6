package files_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"throng"
	"throng/retention"
	"throng/retention/files"
)

var (
	_ retention.Store = (*files.State)(nil)
	_ retention.Store = (*files.Logs)(nil)
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

type clock struct{}

func (clock) Now() time.Time                       { return noon }
func (clock) NewTimer(d time.Duration) *time.Timer { return time.NewTimer(d) }

// write makes a file of three bytes that was last changed a while ago.
func write(t testing.TB, path string, ago time.Duration) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, noon, noon.Add(-ago)); err != nil {
		t.Fatal(err)
	}
}

func path(text string) *regexp.Regexp { return regexp.MustCompile("^(?:" + text + ")") }

var rules = []files.Rule{
	{Path: path(`known$`), Class: throng.ClassState, Kind: throng.KindFile},
	{Path: path(`others/`)},
	{Path: path(`notes/(?P<day>\d{4}-\d\d-\d\d)$`), Class: throng.ClassQuarantine, Kind: throng.KindQuarantine, Removal: throng.RemoveFile},
	{Path: path(`parts/(?P<day>\d{8})-(?P<end>\d{8})_`), Class: throng.ClassHeld, Kind: throng.KindPartition},
	{Path: path(`parts/(?P<day>\d{8})_`), Class: throng.ClassStandard, Kind: throng.KindPartition},
	{Path: path(`frozen/[^/]+`), Class: throng.ClassOpenUnits, Kind: throng.KindShadow, Removal: throng.RemoveFile},
	{Path: path(`tmp/.+`), Class: throng.ClassTemporary, Kind: throng.KindTemporary, Removal: throng.OverwriteFile, Lives: time.Hour},
	{Path: path(`links/`), Class: throng.ClassState, Kind: throng.KindFile, Name: "all links", Links: true},
}

func TestStateListsEveryFile(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"known", "others/x", "notes/2026-11-13", "parts/20261114_1_1_0/data.bin", "parts/20261114_1_1_0/count.txt",
		"frozen/1/store/data.bin", "tmp/x", "parts/20261101-20261130_1/data.bin", "notes/unheard of", "links/file"} {
		write(t, filepath.Join(dir, name), 2*time.Hour)
	}
	for _, name := range []string{"links/link", "link"} {
		if err := os.Symlink("known", filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	s := &files.State{Dir: dir, Rules: rules, Clock: clock{}, Machine: clock{}}
	items, err := s.Items(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, i := range items {
		got[i.Name] = string(i.Class) + " " + i.Day.String()
		if i.Store != files.StoreName || i.Bytes == 0 {
			t.Errorf("item %+v", i)
		}
		if end := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC); i.Class == throng.ClassHeld && !i.Expires.Equal(end) {
			t.Errorf("a copy that is held until the last of November expires at %v", i.Expires)
		}
		if i.Class == throng.ClassTemporary && !i.Expires.Equal(noon.Add(-time.Hour)) {
			t.Errorf("an unfinished file expires at %v", i.Expires)
		}
	}
	today := throng.DayOf(time.Now()).String()
	want := map[string]string{
		"known": "state 2026-11-22", "notes/2026-11-13": "quarantine 2026-11-13", "parts/20261114": "standard 2026-11-14", "parts/20261101-20261130": "held 2026-11-01",
		"frozen/1": "open_units 2026-11-22", "tmp/x": "temporary 2026-11-22", "notes/unheard of": " 2026-11-22",
		"all links": "state " + today, "link": " " + today,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("- want, + listed:\n%s", d)
	}
}

func TestStateRemovesWhatItMay(t *testing.T) {
	dir := t.TempDir()
	s := &files.State{Dir: dir, Rules: rules, Clock: clock{}, Machine: clock{}}
	for name, may := range map[string]bool{
		"notes/2026-11-13": true, "frozen/1": true, "tmp/x": true,
		"known": false, "others/x": false, "parts/20261114": false, "nobody": false, "frozen/1/data.bin": false,
		"frozen/../known": false, "frozen/..": false, "tmp/../known": false, "/etc/hostname": false,
	} {
		for _, there := range []string{"known", "others/x", "notes/2026-11-13", "frozen/1/data.bin", "tmp/x", "nobody"} {
			write(t, filepath.Join(dir, there), 0)
		}
		err := s.DropItem(t.Context(), throng.Item{Store: files.StoreName, Name: name})
		if (err == nil) != may {
			t.Errorf("remove %q: %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "known")); err != nil {
			t.Fatalf("remove %q: took another file away", name)
		}
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); may && err == nil {
			t.Errorf("remove %q: is there still", name)
		}
		if err := s.DropItem(t.Context(), throng.Item{Store: files.StoreName, Name: name}); may && err != nil {
			t.Errorf("remove %q again: %v", name, err)
		}
	}
}

func TestLogs(t *testing.T) {
	dir := t.TempDir()
	const day = 24 * time.Hour
	for name, ago := range map[string]time.Duration{"access.log": time.Minute, "access.log.1": 2 * day, "access.log.2.gz": 8 * day, "access.log.3": 9 * day, "error.log": 30 * day} {
		write(t, filepath.Join(dir, name), ago)
	}
	if err := os.WriteFile(filepath.Join(dir, "access.log.empty"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	logs := files.Logs{
		Globs: []string{filepath.Join(dir, "access.log*"), filepath.Join(dir, "access.log.1")}, Remove: true, Clock: clock{},
		First: func(path string) (time.Time, error) {
			if filepath.Ext(path) == ".3" {
				return time.Time{}, nil // of no known form
			}
			info, err := os.Stat(path)
			return info.ModTime().Add(-day), err
		},
	}
	for _, remove := range []bool{false, true} {
		logs.Remove = remove
		items, err := logs.Items(t.Context())
		if err != nil || len(items) != 4 {
			t.Fatalf("%d items, %v", len(items), err)
		}
		for _, i := range items {
			oldest, removal := i.Newest.Add(-day), throng.NotRemoved
			if filepath.Ext(i.Name) == ".3" {
				oldest = i.Newest
			}
			if remove && filepath.Ext(i.Name) != ".log" { // the log itself is being written
				removal = throng.RemoveFile
			}
			if !i.Oldest.Equal(oldest) || i.Removal != removal {
				t.Errorf("%s is of %v, removed by %q", i.Name, i.Oldest, i.Removal)
			}
			if err := logs.DropItem(t.Context(), i); (err == nil) != (removal == throng.RemoveFile) || err != nil && !throng.IsRetryable(err) {
				t.Errorf("remove %s: %v", i.Name, err)
			}
		}
	}
	if err := logs.DropItem(t.Context(), throng.Item{Name: filepath.Join(dir, "error.log")}); err == nil {
		t.Error("a file that no glob names was removed")
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) != 3 {
		t.Errorf("left are %v, %v", left, err)
	}
}
