package ingest

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"throng"
	"throng/anonymize"
	"throng/ingest/accesslog"
	"throng/ingest/block"
)

// job is a range of a source on its way through one worker.
type job struct {
	source *source
	start  uint64
	end    uint64       // 0: where the lines end
	recut  bool         // cut before: it has to become the same blocks again
	days   []throng.Day // those whose blocks are sent; none says all
	// preamble are the lines before start that say how those of the range are to be read.
	preamble []byte
	lines    lines
}

// message is an encoded block on its way to the topic of its day.
type message struct {
	day   throng.Day
	key   string
	value []byte
}

// parcel is a piece of a source, encoded: one message for each day that it holds events of. A parcel
// with an error stands for a range that could not be made.
type parcel struct {
	source     *source
	start, end uint64
	messages   []message
	tally      Tally
	rejects    []reject
	err        error
}

// lineForm is what a parser is made for.
type lineForm struct {
	format         string
	trustedProxies int
}

// worker turns lines into blocks. It belongs to one goroutine.
type worker struct {
	ship        *Shipper
	parsers     map[lineForm]*accesslog.Parser
	anonymizers map[*feed]*anonymize.Anonymizer
	spare       []*block.Builder

	// of the range that is being read
	preamble []byte
	inside   bool // the parser has read preamble

	// of the piece that is being made
	parser   *accesslog.Parser
	anon     *anonymize.Anonymizer
	before   anonymize.Counts // of anon, before the piece
	parcel   *parcel
	builders map[throng.Day]*block.Builder
	day      throng.Day // of builder
	builder  *block.Builder
	window   window
	tile     tile
}

// work takes jobs until there are no more. Errors travel as parcels, so that the senders stop all.
func (s *Shipper) work() {
	w := &worker{
		ship:        s,
		parsers:     map[lineForm]*accesslog.Parser{},
		anonymizers: map[*feed]*anonymize.Anonymizer{},
		builders:    map[throng.Day]*block.Builder{},
	}
	for j := range s.jobs {
		err := w.run(j)
		j.lines.close()
		if err != nil {
			w.abandon()
		}
		if errors.Is(err, errShort) { // the follower finds the file's copy and starts again
			j.source.failed.Store(true)
			err = nil
		}
		if err != nil {
			s.parcels <- &parcel{source: j.source, err: err}
		}
		j.source.underway.Add(-1)
	}
}

// run makes the blocks of one range.
func (w *worker) run(j *job) error {
	w.begin(j.source, j.start)
	w.preamble, w.inside = j.preamble, false
	for {
		c, err := j.lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read source %s: %w", j.source.journal.cp.ID, err)
		}
		if err = w.prepare(j.source, c.data); err == nil {
			err = w.chunk(j, c)
		}
		w.ship.pool.put(c.buf)
		if err != nil {
			return err
		}
		w.parcel.end = c.end
	}
	if w.parcel.end == w.parcel.start {
		return nil
	}
	return w.finish(j)
}

// abandon forgets the piece that is being made.
func (w *worker) abandon() {
	for d := range w.builders {
		w.forget(d)
	}
	w.builder = nil
}

// forget empties the block of a day.
func (w *worker) forget(d throng.Day) {
	b := w.builders[d]
	delete(w.builders, d)
	b.Reset()
	w.spare = append(w.spare, b)
}

// begin starts a piece.
func (w *worker) begin(src *source, start uint64) {
	w.parcel = &parcel{source: src, start: start, end: start}
	w.window = openWindow(w.ship.Clock.Now(), w.ship.Lateness)
	w.parser = nil
}

// prepare finds the parser and the anonymizer for the piece.
func (w *worker) prepare(src *source, data []byte) (err error) {
	if w.parser != nil {
		return nil
	}
	format, err := src.resolveFormat(w.preamble, data)
	if err != nil {
		return err
	}
	form := lineForm{format, src.feed.TrustedProxies}
	if w.parser = w.parsers[form]; w.parser == nil {
		if w.parser, err = accesslog.New(format); err != nil {
			return err
		}
		w.parser.TrustProxies(form.trustedProxies)
		w.parsers[form] = w.parser
	}
	if !w.inside { // within a range, the parser knows what the lines so far said
		w.parser.Restart(w.preamble)
		w.inside = true
	}
	if w.anon = w.anonymizers[src.feed]; w.anon == nil {
		if w.anon, err = w.ship.Anonymizer(src.feed.Feed); err != nil {
			return err
		}
		w.anonymizers[src.feed] = w.anon
	}
	w.before = w.anon.Counts()
	return nil
}

// chunk reads the lines of a chunk. Where the block is full it ends the piece behind the line that
// filled it and starts another.
func (w *worker) chunk(j *job, c chunk) error {
	pos, data := c.start, c.data
	for len(data) > 0 {
		n := w.read(data, pos, w.room(j.recut))
		w.append()
		data, pos = data[n:], pos+uint64(n)
		if w.full(j.recut) && len(data) > 0 {
			w.parcel.end = pos
			if err := w.finish(j); err != nil {
				return err
			}
			w.begin(j.source, pos)
			if err := w.prepare(j.source, data); err != nil {
				return err
			}
		}
	}
	return nil
}

// reject counts and notes a refused line.
func (w *worker) reject(pos uint64, reason string) {
	w.parcel.tally.reject(reason)
	if len(w.parcel.rejects) < maxNotes {
		w.parcel.rejects = append(w.parcel.rejects, reject{pos, reason})
	}
}

// open makes the block of a day the current one.
func (w *worker) open(day throng.Day) {
	b := w.builders[day]
	if b == nil {
		if n := len(w.spare); n > 0 {
			b, w.spare = w.spare[n-1], w.spare[:n-1]
		} else {
			b = block.NewBuilder()
		}
		w.builders[day] = b
	}
	w.day, w.builder = day, b
}

// limits are those at which a block is cut. A range that is made again is cut where it was cut before;
// only the hard limits of a message end it earlier.
func (w *worker) limits(recut bool) (rows, size int) {
	if recut {
		return block.MaxRows, throng.MaxBlockBytes
	}
	return w.ship.MaxRows, w.ship.MaxBytes
}

// full tells whether a block must be cut.
func (w *worker) full(recut bool) bool {
	rows, size := w.limits(recut)
	for _, b := range w.builders {
		if b.Rows() >= rows || b.Size() >= size {
			return true
		}
	}
	return false
}

// room is how many lines can be read before a block is full of rows.
func (w *worker) room(recut bool) int {
	rows, _ := w.limits(recut)
	room := rows
	for _, b := range w.builders {
		room = min(room, rows-b.Rows())
	}
	return max(room, 1)
}

// finish encodes the piece and hands it to a sender.
func (w *worker) finish(j *job) error {
	if err := j.lines.intact(); err != nil {
		return fmt.Errorf("read source %s: %w", j.source.journal.cp.ID, err)
	}
	p := w.parcel
	p.source.feed.noteSignals(w.ship.Logger, w.parser)
	p.tally.signals(w.before, w.anon.Counts())
	days := make([]throng.Day, 0, 2)
	for d := range w.builders {
		days = append(days, d)
	}
	slices.SortFunc(days, cmp.Compare)
	if len(days) == 0 { // nothing but refused and late lines: a block without rows carries their number
		days = append(days, w.ship.messageDay(p.source.feed))
		w.open(days[0])
	}
	p.source.feed.lastDay.Store(int32(days[len(days)-1]))
	for i, d := range days {
		if j.days != nil && !slices.Contains(j.days, d) {
			w.forget(d)
			continue
		}
		h := throng.BlockHeader{
			BlockID: throng.BlockID{Source: p.source.journal.cp.ID, Start: p.start, End: p.end, Day: d},
			Feed:    p.source.feed.Name,
		}
		h.Watermark, _ = p.source.feed.watermark.reached()
		if i == len(days)-1 {
			h.Rejected, h.Late = uint32(p.tally.Rejects()), uint32(p.tally.Late)
		}
		b := w.builders[d]
		p.source.feed.learn(p, b)
		value, err := b.Encode(w.ship.buffer(), h)
		if err != nil {
			return fmt.Errorf("encode block %s: %w", h.BlockID, err)
		}
		p.messages = append(p.messages, message{day: d, key: h.String(), value: value})
		w.forget(d)
	}
	w.builder = nil
	if j.days != nil {
		p.rejects = nil // they were noted when the range was cut
	}
	w.ship.counts.add(&p.tally)
	p.source.underway.Add(1)
	w.ship.parcels <- p
	return nil
}
