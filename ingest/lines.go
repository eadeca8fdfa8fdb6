package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// lines are the lines of a range, chunk by chunk. The buffer of a chunk goes back to the pool when it
// was read; next returns io.EOF behind the last one. close gives back what is left.
type lines interface {
	next() (chunk, error)
	close()
}

// fileRange is a range of a file. The worker reads it itself, so that the bytes are in its
// processor's cache when it parses them.
type fileRange struct {
	*chunker
	end uint64
}

func newFileRange(f *os.File, start, end uint64, pool *chunkPool) *fileRange {
	return &fileRange{newChunker(io.NewSectionReader(f, int64(start), int64(end-start)), pool, start), end}
}

// next reads on. A range that ends before its end is an error: the file was truncated meanwhile.
func (r *fileRange) next() (chunk, error) {
	c, err := r.chunker.next(context.Background())
	if !errors.Is(err, io.EOF) {
		return c, err
	}
	c, ok, err := r.rest(context.Background())
	switch {
	case err != nil:
		return chunk{}, err
	case r.off != r.end && ok:
		r.pool.put(c.buf)
		return chunk{}, errShort
	case r.off != r.end:
		return chunk{}, errShort
	case !ok:
		return chunk{}, io.EOF
	}
	return c, nil
}

// errShort says that a file ends before the range that was to be read of it.
var errShort = fmt.Errorf("the file is shorter than it was: %w", io.ErrUnexpectedEOF)

// streamRange is a range of a stream; whoever reads the stream sends its chunks and closes the channel.
type streamRange struct {
	chunks chan chunk
	pool   *chunkPool
}

func (r streamRange) next() (chunk, error) {
	c, ok := <-r.chunks
	if !ok {
		return chunk{}, io.EOF
	}
	return c, nil
}

func (r streamRange) close() {
	for c := range r.chunks {
		r.pool.put(c.buf)
	}
}
