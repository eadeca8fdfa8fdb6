package retention_test

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"throng"
	"throng/internal/durable"
	"throng/retention"
)

// receiptsOf makes a file with receipts of n deletions.
func receiptsOf(t testing.TB, n int) (w *town, data []byte) {
	t.Helper()
	w = newTown(t, retention.Limits{})
	for ago := range n {
		w.clickhouse.items = append(w.clickhouse.items, item("clickhouse", throng.ClassStandard, dayAgo(20+ago)))
	}
	if _, err := w.keeper.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.stop(t)
	data, err := os.ReadFile(w.path)
	if err != nil {
		t.Fatal(err)
	}
	return w, data
}

func TestReceiptsShowTampering(t *testing.T) {
	w, data := receiptsOf(t, 4)
	lines := bytes.SplitAfter(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	join := func(l ...[]byte) []byte { return bytes.Join(l, nil) }
	swapped := slices.Clone(lines)
	swapped[1], swapped[2] = swapped[2], swapped[1]
	for name, forged := range map[string][]byte{
		"changed":       bytes.Replace(data, []byte(`"rows":7`), []byte(`"rows":8`), 1),
		"first missing": join(lines[1:]...),
		"one missing":   join(append(slices.Clone(lines[:3]), lines[4:]...)...),
		"swapped":       join(swapped...),
		"doubled":       join(data, lines[7], []byte("\n")),
		"unknown field": bytes.Replace(data, []byte(`{"seq"`), []byte(`{"x":1,"seq"`), 1),
		"not JSON":      append(slices.Clone(data), "hello\n"...),
	} {
		if _, err := retention.ReadReceipts(bytes.NewReader(forged)); err == nil {
			t.Errorf("%s: was read", name)
		}
		if err := os.WriteFile(w.path, forged, 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := retention.OpenReceipts(w.path); err == nil {
			t.Errorf("%s: was opened", name)
			r.Close()
		}
	}
}

// TestTornReceiptIsCutOff: at every byte at which a crash can stop a write, the file opens with the
// whole lines and goes on.
func TestTornReceiptIsCutOff(t *testing.T) {
	w, data := receiptsOf(t, 1)
	for size := range data {
		if err := os.WriteFile(w.path, data[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := retention.ReadReceipts(bytes.NewReader(data[:size])); (err == nil) != bytes.HasSuffix(data[:size], []byte("\n")) && size > 0 {
			t.Fatalf("cut at byte %d: %v", size, err)
		}
		w.start(t, retention.Limits{})
		w.clickhouse.items = []throng.Item{item("clickhouse", throng.ClassStandard, dayAgo(20))}
		if _, err := w.keeper.Sweep(t.Context()); err != nil {
			t.Fatalf("cut at byte %d: %v", size, err)
		}
		w.stop(t)
		if got := steps(w.readReceipts(t)); strings.Count(got, "planned") != strings.Count(got, "deleted") {
			t.Fatalf("cut at byte %d:\n%s", size, got)
		}
	}
}

func TestLongTornEndIsCutOff(t *testing.T) {
	w, data := receiptsOf(t, 1)
	if err := os.WriteFile(w.path, append(data, bytes.Repeat([]byte("x"), 1<<16)...), 0o600); err != nil {
		t.Fatal(err)
	}
	w.start(t, retention.Limits{})
	w.clickhouse.items = []throng.Item{item("clickhouse", throng.ClassStandard, dayAgo(20))}
	if _, err := w.keeper.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(w.readReceipts(t)); n != 4 {
		t.Errorf("%d receipts, want 4", n)
	}
}

func TestReceiptsHaveOneWriter(t *testing.T) {
	w := newTown(t, retention.Limits{})
	if _, err := retention.OpenReceipts(w.path); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("a second writer: %v", err)
	}
}

func TestHeadIsTheLastLines(t *testing.T) {
	w := newTown(t, retention.Limits{})
	empty := w.receipts.Head()
	w.clickhouse.items = []throng.Item{item("clickhouse", throng.ClassStandard, dayAgo(20))}
	if _, err := w.keeper.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	head := w.receipts.Head()
	w.stop(t)
	w.start(t, retention.Limits{})
	if head == empty || w.receipts.Head() != head {
		t.Errorf("head %s, then %s after opening again", head, w.receipts.Head())
	}
}

func FuzzReadReceipts(f *testing.F) {
	_, data := receiptsOf(f, 2)
	f.Add(data)
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		receipts, err := retention.ReadReceipts(bytes.NewReader(data))
		if err == nil && len(receipts) != bytes.Count(data, []byte("\n")) {
			t.Errorf("%d receipts of %d lines", len(receipts), bytes.Count(data, []byte("\n")))
		}
	})
}
