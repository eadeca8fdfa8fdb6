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

// missing is a range of a source that was acknowledged and that the store has no block of.
type missing struct {
	journal    *journal
	start, end uint64
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
	has := map[string][]piece{}
	for _, h := range recorded {
		if h.End > h.Start {
			has[h.Source.String()] = append(has[h.Source.String()], piece{Start: h.Start, End: h.End})
		}
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

// compare looks for what the store lacks of one source.
func (r *Replay) compare(o *Rereader, feed Feed, j *journal, has []piece, day func(throng.Day) *ReplayDay) error {
	gaps := j.cp.lacking(has)
	if len(gaps) == 0 {
		return nil
	}
	file, err := o.open(j, feed)
	if err != nil {
		outcome, err := outcomeOf(err)
		r.Files[outcome]++
		return err
	}
	defer file.f.Close()
	for _, gap := range gaps {
		wanted := false
		err := file.each(gap.Start, min(gap.End, file.size), func(line []byte) error {
			outcome, d := file.judge(line)
			if outcome != Readable && outcome != DayClosed {
				return nil
			}
			if known := day(d); known != nil {
				known.Missing++
				wanted = wanted || outcome == Readable
			}
			return nil
		})
		if err != nil {
			return err
		}
		if wanted {
			r.missing = append(r.missing, missing{j, gap.Start, gap.End})
		}
	}
	return nil
}

// lacking are the acknowledged ranges that no recorded block is of.
func (cp *checkpoint) lacking(has []piece) (gaps []piece) {
	slices.SortFunc(has, func(a, b piece) int { return cmp.Compare(a.Start, b.Start) })
	acked := []piece{{Start: 0, End: cp.Done}}
	for _, p := range cp.Pieces {
		if p.Acked {
			acked = append(acked, p)
		}
	}
	for _, a := range acked {
		at := a.Start
		for _, h := range has {
			if h.Start > at && at < a.End {
				gaps = append(gaps, piece{Start: at, End: min(h.Start, a.End)})
			}
			at = max(at, h.End)
		}
		if at < a.End {
			gaps = append(gaps, piece{Start: at, End: a.End})
		}
	}
	return slices.DeleteFunc(gaps, func(g piece) bool { return g.Start >= g.End })
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
// lines of other days in them that are open are counted, too, and those of closed days as late.
func (r *Replay) Reopen() error {
	for _, m := range r.missing {
		if err := m.journal.update(func(cp *checkpoint) { cp.reopen(m.start, m.end) }); err != nil {
			return fmt.Errorf("replay: %w", err)
		}
	}
	return nil
}

// reopen makes an acknowledged range one that was never cut.
func (cp *checkpoint) reopen(start, end uint64) {
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
	cp.Pieces = slices.DeleteFunc(pieces, func(p piece) bool { return p.Start >= p.End })
}
