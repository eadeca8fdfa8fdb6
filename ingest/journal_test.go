package ingest

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"throng"
)

// Whatever was cut and acknowledged in whatever order, and wherever the process died, what is still
// to do is exactly what was not acknowledged, cut as it was cut before.
func TestJournalSurvives(t *testing.T) {
	dir := t.TempDir()
	n := byte(0)
	rapid.Check(t, func(t *rapid.T) {
		n++
		j := newJournal(dir, "feed", throng.SourceID{n}, file{Path: "access.log", Print: "p"})
		if err := j.update(func(*checkpoint) {}); err != nil {
			t.Fatal(err)
		}
		const size = 20
		acked := make([]bool, size)
		var cuts []piece
		for at := uint64(0); at < size; {
			end := min(size, at+uint64(rapid.IntRange(1, 6).Draw(t, "length")))
			cuts = append(cuts, piece{Start: at, End: end})
			at = end
		}
		known := map[uint64]uint64{}
		for _, i := range rapid.Permutation(seq(len(cuts))).Draw(t, "order")[:rapid.IntRange(0, len(cuts)).Draw(t, "pieces")] {
			p := cuts[i]
			if err := j.cut(p.Start, p.End); err != nil {
				t.Fatal(err)
			}
			known[p.Start] = p.End
			if rapid.Bool().Draw(t, "acknowledged") {
				if err := j.ack(p.Start, Tally{Lines: p.End - p.Start}); err != nil {
					t.Fatal(err)
				}
				for b := p.Start; b < p.End; b++ {
					acked[b] = true
				}
			}
		}

		loaded, err := loadJournal(j.path)
		if err != nil {
			t.Fatal(err)
		}
		seen := slices.Clone(acked)
		todo := loaded.cp.todo()
		for _, sp := range todo[:len(todo)-1] {
			if sp.recut && known[sp.start] != sp.end {
				t.Fatalf("[%d,%d) is to be cut again, but was never cut so", sp.start, sp.end)
			}
			for b := sp.start; b < sp.end; b++ {
				if seen[b] {
					t.Fatalf("byte %d is to be read again", b)
				}
				seen[b] = true
			}
		}
		open := todo[len(todo)-1]
		if !open.open {
			t.Fatal("nothing is open")
		}
		for b := range uint64(size) {
			if seen[b] == (b >= open.start) {
				t.Fatalf("byte %d: read or listed %v, but the open end starts at %d", b, seen[b], open.start)
			}
		}
		if want := uint64(count(acked)); loaded.cp.Tally.Lines != want {
			t.Fatalf("the tally holds %d lines, %d were acknowledged", loaded.cp.Tally.Lines, want)
		}
	})
}

func TestCutIsNotMovedAfterwards(t *testing.T) {
	j := newJournal(t.TempDir(), "feed", throng.SourceID{1}, file{})
	for range 2 {
		if err := j.cut(0, 10); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.cut(0, 11); err == nil {
		t.Fatal("a piece was cut again with another end")
	}
}

func seq(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

func count(bs []bool) (n int) {
	for _, b := range bs {
		if b {
			n++
		}
	}
	return n
}
