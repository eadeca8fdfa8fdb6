package ingest

import (
	"bytes"
	"context"
	"errors"
	"io"
)

// chunkSize is the usual size of a chunk. Reads of this size are cheap and a chunk stays in the
// processor's cache between reading and parsing.
const chunkSize = 512 << 10

// maxLine is the longest line that is handed to the parser, which refuses it with a reason. What is
// longer is cut to this length plus one byte; its end is still found.
const maxLine = 1 << 20

// chunk is a run of whole lines of one source.
type chunk struct {
	data  []byte // whole lines; only the last line of a source may lack its newline
	start uint64 // offset of data[0] in the source
	end   uint64 // offset behind; more than start+len(data) where an over-long line was cut
	buf   []byte // goes back to the pool
}

// lines counts the lines. Only ranges that end after so many ask for it: on files it would be one more pass
// over every byte.
func (c chunk) lines() int {
	n := bytes.Count(c.data, []byte{'\n'})
	if len(c.data) > 0 && c.data[len(c.data)-1] != '\n' {
		n++
	}
	return n
}

// chunkPool bounds the raw bytes that are in memory at a time.
type chunkPool struct {
	free chan []byte // buffers that can be used again
	room chan struct{}
}

func newChunkPool(n int) *chunkPool {
	return &chunkPool{free: make(chan []byte, n), room: make(chan struct{}, n)}
}

// get waits for room and gives an empty buffer of at least chunkSize.
func (p *chunkPool) get(ctx context.Context) ([]byte, error) {
	select {
	case p.room <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case b := <-p.free:
		return b[:0], nil
	default:
		return make([]byte, 0, chunkSize), nil
	}
}

// put gives a buffer back. Buffers that a long line has grown are let go.
func (p *chunkPool) put(b []byte) {
	if cap(b) <= 2*chunkSize {
		select {
		case p.free <- b:
		default:
		}
	}
	<-p.room
}

// chunker cuts what a reader gives into chunks of whole lines.
type chunker struct {
	r    io.Reader
	pool *chunkPool
	off  uint64 // offset of buf[0] in the source
	buf  []byte // read and not yet handed out; nil when it holds no buffer
	skip uint64 // bytes of an over-long line that were read behind buf and not kept
}

func newChunker(r io.Reader, pool *chunkPool, off uint64) *chunker {
	return &chunker{r: r, pool: pool, off: off}
}

// next reads the next chunk. At the end of the reader it returns io.EOF; an unterminated last line
// then stays behind for [chunker.rest]. A read that gives only part of a line is followed by another.
func (c *chunker) next(ctx context.Context) (chunk, error) {
	if c.buf == nil {
		b, err := c.pool.get(ctx)
		if err != nil {
			return chunk{}, err
		}
		c.buf = b
	}
	for {
		n, err := c.fill()
		if i := bytes.LastIndexByte(c.buf[len(c.buf)-n:], '\n'); i >= 0 {
			return c.cut(ctx, len(c.buf)-n+i+1)
		}
		if err != nil {
			return chunk{}, err
		}
		if len(c.buf) > maxLine {
			return c.skipLine(ctx)
		}
	}
}

// fill reads once into the free part of the buffer, growing it where a line does not fit.
func (c *chunker) fill() (int, error) {
	if len(c.buf) == cap(c.buf) {
		c.buf = append(make([]byte, 0, 2*cap(c.buf)), c.buf...)
	}
	n, err := c.r.Read(c.buf[len(c.buf):cap(c.buf)])
	c.buf = c.buf[:len(c.buf)+n]
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil // the next read says it again
	}
	return n, err
}

// cut hands out the first n bytes of the buffer and carries the rest over into a new one.
func (c *chunker) cut(ctx context.Context, n int) (chunk, error) {
	ch := chunk{data: c.buf[:n], start: c.off, end: c.off + uint64(n) + c.skip, buf: c.buf}
	rest := c.buf[n:]
	c.buf, c.off, c.skip = nil, ch.end, 0
	if len(rest) > 0 {
		if err := c.refill(ctx, rest); err != nil {
			return chunk{}, err
		}
	}
	return ch, nil
}

// skipLine reads on, without keeping it, to the end of an over-long line and hands out its head.
func (c *chunker) skipLine(ctx context.Context) (chunk, error) {
	head := c.buf[:maxLine+1]
	c.skip = uint64(len(c.buf) - len(head))
	scratch := make([]byte, chunkSize)
	for {
		n, err := c.r.Read(scratch)
		if i := bytes.IndexByte(scratch[:n], '\n'); i >= 0 {
			c.skip += uint64(i) // the newline is counted with the head, to which it is appended
			c.buf = append(head, '\n')
			ch, cerr := c.cut(ctx, len(c.buf))
			if cerr == nil && i+1 < n {
				cerr = c.refill(ctx, scratch[i+1:n])
			}
			return ch, cerr
		}
		c.skip += uint64(n)
		if err != nil {
			c.buf = head
			return chunk{}, err
		}
	}
}

// refill puts bytes that were read behind a handed-out chunk into a new buffer.
func (c *chunker) refill(ctx context.Context, b []byte) error {
	buf, err := c.pool.get(ctx)
	if err != nil {
		return err
	}
	c.buf = append(buf, b...)
	return nil
}

// rest hands out an unterminated last line; ok is false when there is none.
func (c *chunker) rest(ctx context.Context) (ch chunk, ok bool, err error) {
	if len(c.buf) == 0 {
		return chunk{}, false, nil
	}
	ch, err = c.cut(ctx, len(c.buf))
	return ch, true, err
}

// close gives the chunker's buffer back.
func (c *chunker) close() {
	if c.buf != nil {
		c.pool.put(c.buf)
		c.buf = nil
	}
}
