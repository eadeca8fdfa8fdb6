package main_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"throng/internal/loadgen"
)

// growingLog is a log that a web server writes and logrotate rotates, now by renaming, now by copying
// and truncating. All methods are for one goroutine.
type growingLog struct {
	path      string // its rotated generations are path.1, path.2 and so on
	log       *loadgen.Log
	rest      []byte // what is not written yet
	share     int    // the length of a piece
	file      *os.File
	random    *rand.Rand
	rotations int
}

// newGrowingLog begins a log that is written in about so many pieces.
func newGrowingLog(t *testing.T, dir string, o loadgen.Options, pieces int) *growingLog {
	t.Helper()
	log, err := loadgen.New(o)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := log.Reader().WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	g := &growingLog{path: filepath.Join(dir, "access.log"), log: log, rest: text.Bytes(),
		share: text.Len()/pieces + 1, random: rand.New(rand.NewPCG(o.Seed, 1))}
	g.open(t)
	t.Cleanup(func() { g.file.Close() })
	return g
}

func (g *growingLog) open(t *testing.T) {
	t.Helper()
	var err error
	if g.file, err = os.OpenFile(g.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		t.Fatal(err)
	}
}

// grow writes the next piece and, every other time, rotates the log in the middle of it.
func (g *growingLog) grow(t *testing.T) {
	t.Helper()
	n := min(g.share, len(g.rest))
	if n < len(g.rest) {
		n += bytes.IndexByte(g.rest[n:], '\n') + 1
	}
	piece := g.rest[:n]
	g.rest = g.rest[n:]
	middle := bytes.IndexByte(piece[len(piece)/2:], '\n') + 1 + len(piece)/2
	g.write(t, piece[:middle])
	if len(piece) > 0 {
		switch g.random.IntN(4) {
		case 0:
			g.rename(t, piece[middle:])
			return
		case 1:
			g.copyTruncate(t)
		}
	}
	g.write(t, piece[middle:])
}

// write appends in writes that can end within a line, as those of a buffered writer do.
func (g *growingLog) write(t *testing.T, b []byte) {
	t.Helper()
	for len(b) > 0 {
		n := min(len(b), 1+g.random.IntN(64<<10))
		if _, err := g.file.Write(b[:n]); err != nil {
			t.Fatal(err)
		}
		b = b[n:]
	}
}

// rename rotates; the server writes a little more to the old file before it opens the new one.
func (g *growingLog) rename(t *testing.T, next []byte) {
	t.Helper()
	g.rotations++
	if err := os.Rename(g.path, fmt.Sprintf("%s.%d", g.path, g.rotations)); err != nil {
		t.Fatal(err)
	}
	split := bytes.IndexByte(next, '\n') + 1
	g.write(t, next[:split])
	if err := g.file.Close(); err != nil {
		t.Fatal(err)
	}
	g.open(t)
	g.write(t, next[split:])
}

// copyTruncate rotates; nothing is written meanwhile, so that nothing is lost by it.
func (g *growingLog) copyTruncate(t *testing.T) {
	t.Helper()
	g.rotations++
	from, err := os.Open(g.path)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.OpenFile(fmt.Sprintf("%s.%d", g.path, g.rotations), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(g.path, 0); err != nil {
		t.Fatal(err)
	}
}
