package ingest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"throng"
)

// Replay is what can be read again of the files of a feed because the store has no block of it.
type Replay struct {
	// Days are those of the asked time that the store or the files know of, in order.
	Days []ReplayDay
	// Files are those of which nothing can be read again, by outcome.
	Files map[Outcome]int

	missing []missing
}

// ReplayDay compares a day in the store with what the files have beside.
type ReplayDay struct {
	Day throng.Day `json:"day"`
	// Stored is the number of the feed's events that the store has.
	Stored uint64 `json:"stored"`
	// Missing is the number of lines in ranges that the store has no block of: they are counted anew.
	Missing uint64 `json:"missing"`
	// Closed says that the day has its releases, or is too long over: nothing of it is counted anew.
	Closed bool `json:"closed"`
}

// missing is a range of a source that was acknowledged and that the store has no block of; or, with days, one of which
// it lacks the blocks of these days.
type missing struct {
	journal *journal
	piece
}

// taken is a range that the store has blocks of.
type taken struct {
	piece
	lines uint64 // that the blocks tell of
}

// Replay compares the feed's checkpoints with the blocks that the store has recorded of days since from, and reads the
// ranges that it lacks, as far as their files exist. It changes nothing. All blocks in the broker have to be loaded:
// one that still came would be counted beside what was read again, whose ranges are cut anew.
func (o *Rereader) Replay(name string, recorded []throng.BlockHeader, from, to throng.Day) (*Replay, error) {
	feed, ok := o.feed(name)
	if !ok {
		return nil, fmt.Errorf("replay: source %s is not one of files: only a file can be read again", name)
	}
	journals, err := o.journals()
	if err != nil {
		return nil, err
	}
	r, days := &Replay{Files: map[Outcome]int{}}, map[throng.Day]*ReplayDay{}
	day := func(d throng.Day) *ReplayDay {
		if days[d] == nil {
			days[d] = &ReplayDay{Day: d}
		}
		return days[d]
	}
	has := takenRanges(recorded)
	for _, h := range recorded {
		if h.Day >= from && h.Day <= to {
			day(h.Day).Stored += uint64(h.Rows)
		}
	}
	for _, source := range slices.Sorted(maps.Keys(journals)) {
		j := journals[source]
		if j.cp.Feed != name {
			continue
		}
		if err := r.compare(o, feed, j, has[source], func(d throng.Day) *ReplayDay {
			if d < from || d > to {
				return nil
			}
			return day(d)
		}); err != nil {
			return nil, err
		}
	}
	window := openWindow(o.Clock.Now(), o.Lateness)
	for _, d := range slices.Sorted(maps.Keys(days)) {
		days[d].Closed = o.Closed(d) || window.place(d.End().Add(-time.Second).Unix()) == late
		r.Days = append(r.Days, *days[d])
	}
	return r, nil
}

// takenRanges are the ranges of each source that the store has blocks of, in order.
func takenRanges(recorded []throng.BlockHeader) map[string][]taken {
	has := map[string][]taken{}
	for _, h := range slices.SortedFunc(slices.Values(recorded), func(a, b throng.BlockHeader) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End), cmp.Compare(a.Day, b.Day))
	}) {
		if h.End <= h.Start {
			continue
		}
		of := has[h.Source.String()]
		if n := len(of); n == 0 || of[n-1].Start != h.Start || of[n-1].End != h.End {
			of = append(of, taken{piece: piece{Start: h.Start, End: h.End}})
		}
		last := &of[len(of)-1]
		last.Days, last.lines = append(last.Days, h.Day), last.lines+uint64(h.Rows)+uint64(h.Rejected)+uint64(h.Late)
		has[h.Source.String()] = of
	}
	return has
}

// compare looks for what the store lacks of one source: all blocks of a range, or those of some days of it.
func (r *Replay) compare(o *Rereader, feed Feed, j *journal, has []taken, day func(throng.Day) *ReplayDay) error {
	gaps := j.cp.lacking(has)
	file, err := o.open(j, feed)
	if err != nil {
		outcome, err := outcomeOf(err)
		if len(gaps) > 0 {
			r.Files[outcome]++
		}
		return err
	}
	defer file.f.Close()
	some, err := file.partly(j.cp.has(has))
	if err != nil {
		return err
	}
	lines, err := file.walk()
	if err != nil {
		return err
	}
	defer lines.close()
	look := append(gaps, some...)
	slices.SortFunc(look, func(a, b taken) int { return cmp.Compare(a.Start, b.Start) })
	for _, t := range look {
		days, err := lines.missing(t, day)
		if err != nil {
			return err
		}
		switch {
		case days == nil:
		case t.Days == nil:
			r.missing = append(r.missing, missing{j, piece{Start: t.Start, End: t.End}})
		default:
			r.missing = append(r.missing, missing{j, piece{Start: t.Start, End: t.End, Days: days}})
		}
	}
	return nil
}

// partly are those of the ranges that have more lines than their blocks tell of: a range with lines of two days, as at
// midnight, makes two blocks, of which one can be lost.
func (r *reading) partly(has []taken) (some []taken, err error) {
	lines, err := r.walk()
	if err != nil {
		return nil, err
	}
	defer lines.close()
	for _, t := range has {
		n := uint64(0)
		if err := lines.each(t.Start, t.End, func(line []byte) error {
			if !lines.directives || line[0] != '#' {
				n++
			}
			return nil
		}); err != nil {
			return nil, err
		}
		if n != t.lines {
			some = append(some, t)
		}
	}
	return some, nil
}

// missing counts the lines of a range by day, where the store has no block of that day, and gives the days that can
// be counted still.
func (t *passage) missing(of taken, day func(throng.Day) *ReplayDay) (days []throng.Day, err error) {
	err = t.each(of.Start, of.End, func(line []byte) error {
		outcome, d := t.judge(line)
		if outcome != Readable && outcome != DayClosed || slices.Contains(of.Days, d) {
			return nil
		}
		known := day(d)
		if known == nil {
			return nil
		}
		known.Missing++
		if outcome == Readable && !slices.Contains(days, d) {
			days = append(days, d)
		}
		return nil
	})
	return days, err
}

// lacking are the acknowledged ranges that no recorded block is of.
func (cp *checkpoint) lacking(has []taken) (gaps []taken) {
	gap := func(start, end uint64) {
		if start < end {
			gaps = append(gaps, taken{piece: piece{Start: start, End: end}})
		}
	}
	for _, a := range cp.acknowledged() {
		at := a.Start
		for _, h := range has {
			if h.Start > at && at < a.End {
				gap(at, min(h.Start, a.End))
			}
			at = max(at, h.End)
		}
		gap(at, a.End)
	}
	return gaps
}

// has are the recorded ranges that are acknowledged. Others were reopened by an earlier replay.
func (cp *checkpoint) has(recorded []taken) []taken {
	acked := cp.acknowledged()
	return slices.DeleteFunc(slices.Clone(recorded), func(t taken) bool {
		return !slices.ContainsFunc(acked, func(a piece) bool { return a.Start <= t.Start && t.End <= a.End })
	})
}

func (cp *checkpoint) acknowledged() []piece {
	acked := []piece{{Start: 0, End: cp.Done}}
	for _, p := range cp.Pieces {
		if p.Acked {
			acked = append(acked, p)
		}
	}
	return acked
}

// Lines is the number of lines of open days in the ranges that are read again.
func (r *Replay) Lines() (n uint64) {
	for _, d := range r.Days {
		if !d.Closed {
			n += d.Missing
		}
	}
	return n
}

// Reopen notes in the checkpoints, durably, that the missing ranges are to be read again. The next shipper does it;
// lines of other days in them that are open are counted, too, and those of closed days as late. Of a range that the store
// has blocks of, only the blocks of the days that it lacks are made again: with its cut they have the identity that they
// had.
func (r *Replay) Reopen() error {
	for _, m := range r.missing {
		if err := m.journal.update(func(cp *checkpoint) { cp.reopen(m.piece) }); err != nil {
			return fmt.Errorf("replay: %w", err)
		}
	}
	return nil
}

// reopen makes an acknowledged range one that was never cut, or, with days, one that was not acknowledged.
func (cp *checkpoint) reopen(again piece) {
	start, end := again.Start, again.End
	var pieces []piece
	for _, p := range append([]piece{{Start: 0, End: cp.Done, Acked: true}}, cp.Pieces...) {
		if !p.Acked || p.End <= start || p.Start >= end {
			pieces = append(pieces, p)
			continue
		}
		for _, rest := range []piece{{Start: p.Start, End: start, Acked: true}, {Start: end, End: p.End, Acked: true}} {
			if rest.Start < rest.End {
				pieces = append(pieces, rest)
			}
		}
	}
	cp.Done, cp.Finished = 0, time.Time{}
	if len(pieces) > 0 && pieces[0].Start == 0 && pieces[0].Acked {
		cp.Done, pieces = pieces[0].End, pieces[1:]
	}
	pieces = slices.DeleteFunc(pieces, func(p piece) bool { return p.Start >= p.End })
	if again.Days != nil {
		pieces = append(pieces, again)
		slices.SortFunc(pieces, func(a, b piece) int { return cmp.Compare(a.Start, b.Start) })
	}
	cp.Pieces = pieces
}
