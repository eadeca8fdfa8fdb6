package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"throng"
	"throng/dashboards"
	"throng/retention"
)

// deletedKinds names classes together, so that a page does not tell on which days a class had anything:
// whether anybody opted out on a quiet day is nobody's business.
var deletedKinds = []struct {
	name    string
	classes []throng.Class
}{
	{"Anonymized events", []throng.Class{throng.ClassOptedOut, throng.ClassStandard}},
	{"Device tokens", []throng.Class{throng.ClassOpenUnits, throng.ClassFoldedUnits}},
	{"Blocks of events in the broker", []throng.Class{throng.ClassEventsTopic}},
}

// deletions counts the receipts by day.
func (d layout) deletions(context.Context) (*dashboards.Deletions, error) {
	f, err := os.Open(d.receipts())
	if errors.Is(err, fs.ErrNotExist) {
		return &dashboards.Deletions{}, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() // read only: its error tells nothing
	lines := &lastLine{}
	receipts, err := retention.ReadReceipts(io.TeeReader(f, lines))
	if err != nil {
		return nil, fmt.Errorf("count deletions: %w", err)
	}
	out := countDeletions(receipts)
	if len(receipts) > 0 {
		out.Head = lines.hash()
	}
	return out, nil
}

func countDeletions(receipts []retention.Receipt) *dashboards.Deletions {
	kindOf := map[throng.Class]int{}
	for i, k := range deletedKinds {
		for _, c := range k.classes {
			kindOf[c] = i
		}
	}
	type dayOf struct {
		kind int
		day  throng.Day
	}
	open, gone := map[dayOf]int{}, map[dayOf]bool{}
	out := &dashboards.Deletions{}
	for _, r := range receipts {
		kind, known := kindOf[r.Item.Class]
		if !known {
			continue // holds are counted by themselves
		}
		at := dayOf{kind, r.Item.Day}
		if r.Step == retention.Planned {
			open[at]++
			continue
		}
		open[at]--
		gone[at] = true
		out.Latest = r.Time
	}
	for i, k := range deletedKinds {
		kind := dashboards.DeletedKind{Name: k.name}
		for at := range gone {
			if at.kind == i && open[at] == 0 {
				kind.Days++
				kind.Last = max(kind.Last, at.day)
			}
		}
		for at, n := range open {
			if at.kind == i && n > 0 {
				kind.Open++
			}
		}
		out.Kinds = append(out.Kinds, kind)
	}
	return out
}

// lastLine keeps the last whole line that was written to it.
type lastLine struct{ whole, part []byte }

func (l *lastLine) Write(b []byte) (int, error) {
	for line := range bytes.Lines(b) {
		l.part = append(l.part, line...)
		if text, ended := bytes.CutSuffix(l.part, []byte("\n")); ended {
			l.whole, l.part = text, nil
		}
	}
	return len(b), nil
}

// hash is the line's SHA-256 in hexadecimal, which the receipt after it would hold.
func (l *lastLine) hash() string {
	sum := sha256.Sum256(l.whole)
	return hex.EncodeToString(sum[:])
}
