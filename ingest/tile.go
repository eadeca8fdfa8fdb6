package ingest

import (
	"bytes"
	"errors"

	"throng"
	"throng/anonymize"
	"throng/ingest/accesslog"
)

// Lines are read and anonymized a tile at a time: the look-ups of a tile's lines wait for memory
// together, and its events become columns while they are in the processor's nearest cache.
const (
	tileLines = 64
	tileBytes = 64 << 10 // reached only by lines that are far longer than usual
)

// tile is a few neighbouring lines of a piece on their way into blocks.
type tile struct {
	n        int
	pos      [tileLines]uint64 // of the lines in their source
	recs     [tileLines]accesslog.Record
	evs      [tileLines]throng.Event
	outcomes [tileLines]anonymize.Outcome
}

// read parses lines from the start of data, at most max of them, and tells how many bytes they have.
// Lines that become no event are counted.
func (w *worker) read(data []byte, pos uint64, max int) (n int) {
	t := &w.tile
	t.n = 0
	parse := (*accesslog.Parser).Parse
	for lines := min(max, tileLines); lines > 0 && n < len(data) && n < tileBytes; lines-- {
		end := bytes.IndexByte(data[n:], '\n') + 1
		if end == 0 {
			end = len(data) - n
		}
		rec := &t.recs[t.n]
		err := parse(w.parser, data[n:n+end], rec)
		parse = (*accesslog.Parser).ParseNext
		if w.takes(rec, err, pos+uint64(n)) {
			t.pos[t.n] = pos + uint64(n)
			t.n++
		}
		n += end
	}
	return n
}

// takes tells whether a line is to become an event, and counts why not.
func (w *worker) takes(rec *accesslog.Record, err error, pos uint64) bool {
	t := &w.parcel.tally
	if err != nil && errors.Is(err, accesslog.Directive) {
		return false
	}
	t.Lines++
	if err != nil {
		w.reject(pos, accesslog.ReasonOf(err))
		return false
	}
	switch w.window.place(rec.Time) {
	case late:
		t.Late++
	case future:
		w.reject(pos, "from_the_future")
	default:
		return true
	}
	return false
}

// append makes events of the tile's lines and adds them to the open blocks of their days.
func (w *worker) append() {
	t := &w.tile
	w.anon.AnonymizeAll(t.recs[:t.n], t.evs[:t.n], t.outcomes[:t.n])
	start := 0
	for i := range t.n {
		if t.outcomes[i] != anonymize.Accepted {
			w.appendSome(t.evs[start:i])
			w.refuse(t.outcomes[i], t.pos[i])
			start = i + 1
		}
	}
	w.appendSome(t.evs[start:t.n])
}

// refuse counts a line of which there is no event.
func (w *worker) refuse(outcome anonymize.Outcome, pos uint64) {
	if outcome == anonymize.NoKey { // the key of its span was erased since the window was opened
		w.parcel.tally.Late++
		return
	}
	w.reject(pos, outcome.String())
}

// appendSome adds events, day by day.
func (w *worker) appendSome(evs []throng.Event) {
	for len(evs) > 0 {
		day := throng.DayOfUnix(evs[0].Time)
		n := 1
		for n < len(evs) && throng.DayOfUnix(evs[n].Time) == day {
			n++
		}
		if w.builder == nil || day != w.day {
			w.open(day)
		}
		w.builder.AppendAll(evs[:n])
		w.parcel.tally.events(evs[:n])
		evs = evs[n:]
	}
}
