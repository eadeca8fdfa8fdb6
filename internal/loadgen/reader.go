package loadgen

import (
	"io"
	"time"
)

// spare is the room that a buffer must have left for one more line. Only over-long lines are longer.
const spare = 4 << 10

// bufferSize is the size of the writes of [Reader.WriteTo].
const bufferSize = 1 << 20

// batch is the number of requests that are looked up at a time: their tables are larger than a cache,
// and look-ups that do not wait for each other overlap.
const batch = 32

// Reader writes the lines of a section of a log, in order. It belongs to one goroutine.
type Reader struct {
	log     *Log
	i, end  uint64 // the lines that are left
	stamp   []byte // the time of the lines before secEnd
	secEnd  uint64
	ahead   [batch]request
	aheadAt uint64 // ahead holds the lines from aheadAt-batch
	pending []byte // written and not yet read
	buf     []byte
}

var (
	_ io.Reader   = (*Reader)(nil)
	_ io.WriterTo = (*Reader)(nil)
)

// Reader starts at the first line.
func (l *Log) Reader() *Reader { return l.Section(0, l.lines) }

// Section writes lines from to end, half-open; both are at most Lines. The sections of a log, one
// after the other, are the log.
func (l *Log) Section(from, end uint64) *Reader {
	end = min(end, l.lines)
	r := &Reader{log: l, i: min(from, end), end: end}
	r.aheadAt = r.i
	return r
}

// Left is the number of lines that are still to come.
func (r *Reader) Left() uint64 { return r.end - r.i }

// Append appends whole lines to b until less than 4 KiB of its capacity is left or the section ends;
// b that comes back as long as it went in is the end. A b with less room than that grows by 1 MiB, and
// so does one that meets an over-long line.
func (r *Reader) Append(b []byte) []byte {
	if cap(b)-len(b) < spare {
		b = append(make([]byte, 0, len(b)+bufferSize), b...)
	}
	for r.i < r.end && cap(b)-len(b) >= spare {
		if r.i >= r.secEnd {
			r.moveTo(r.log.curve.second(r.i))
		}
		if r.i >= r.aheadAt {
			r.lookAhead()
		}
		b = r.log.appendLine(b, &r.ahead[r.i+batch-r.aheadAt], r.stamp)
		r.i++
	}
	return b
}

// lookAhead fills ahead from line i on.
func (r *Reader) lookAhead() {
	for k := range r.ahead {
		if i := r.i + uint64(k); i < r.end {
			r.ahead[k] = r.log.request(i)
		}
	}
	r.aheadAt = r.i + batch
}

// moveTo sets the time of the lines that follow.
func (r *Reader) moveTo(sec int64) {
	r.secEnd = r.log.curve.first(sec + 1)
	r.stamp = time.Unix(sec, 0).UTC().AppendFormat(r.stamp[:0], " [02/Jan/2006:15:04:05 +0000] ")
}

// Read implements [io.Reader].
func (r *Reader) Read(p []byte) (int, error) {
	if len(r.pending) == 0 {
		r.refill()
		if len(r.pending) == 0 {
			return 0, io.EOF
		}
	}
	n := copy(p, r.pending)
	r.pending = r.pending[n:]
	return n, nil
}

// WriteTo implements [io.WriterTo], in writes of whole lines of about 1 MiB.
func (r *Reader) WriteTo(w io.Writer) (written int64, err error) {
	for {
		if len(r.pending) == 0 {
			r.refill()
		}
		if len(r.pending) == 0 {
			return written, nil
		}
		n, err := w.Write(r.pending)
		r.pending = r.pending[n:]
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
}

// refill drops a buffer that an over-long line has grown.
func (r *Reader) refill() {
	if cap(r.buf) != bufferSize {
		r.buf = make([]byte, 0, bufferSize)
	}
	r.pending = r.Append(r.buf[:0])
}
