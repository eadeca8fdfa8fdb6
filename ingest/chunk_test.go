package ingest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// readAll collects what a chunker gives and checks that offsets have no gap and chunks whole lines.
func readAll(t require, r io.Reader) (data []byte, last chunk) {
	ch := newChunker(r, newChunkPool(4), 0)
	defer ch.close()
	for {
		c, err := ch.next(context.Background())
		if errors.Is(err, io.EOF) {
			rest, ok, err := ch.rest(context.Background())
			if err != nil {
				t.Fatalf("rest: %v", err)
			}
			if ok {
				data = append(data, rest.data...)
				last = rest
			}
			return data, last
		}
		if err != nil {
			t.Fatalf("next: %v", err)
		}
		if c.start != last.end {
			t.Fatalf("chunk starts at %d, the one before ended at %d", c.start, last.end)
		}
		if c.data[len(c.data)-1] != '\n' || c.lines() != bytes.Count(c.data, []byte{'\n'}) {
			t.Fatalf("chunk of %d lines does not end with a line", c.lines())
		}
		data, last = append(data, c.data...), c
		ch.pool.put(c.buf)
	}
}

type require interface{ Fatalf(string, ...any) }

func TestChunksAreTheInput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOf(rapid.StringMatching(`[a-z]{0,40}`)).Draw(t, "lines")
		text := strings.Join(lines, "\n")
		var r io.Reader = strings.NewReader(text)
		switch rapid.IntRange(0, 3).Draw(t, "reader") {
		case 1:
			r = iotest.OneByteReader(r)
		case 2:
			r = iotest.HalfReader(r)
		case 3:
			r = iotest.DataErrReader(r)
		}
		if got, last := readAll(t, r); string(got) != text || last.end != uint64(len(text)) {
			t.Fatalf("got %q up to %d, want %q", got, last.end, text)
		}
	})
}

func TestOverlongLineIsCutAndItsEndFound(t *testing.T) {
	for name, text := range map[string]string{
		"in the middle": "first\n" + strings.Repeat("x", 3*maxLine) + "\nlast\n",
		"at the end":    "first\n" + strings.Repeat("x", 3*maxLine) + "\n",
		"unterminated":  "first\n" + strings.Repeat("x", 3*maxLine),
	} {
		t.Run(name, func(t *testing.T) {
			got, last := readAll(t, strings.NewReader(text))
			want := strings.ReplaceAll(text, strings.Repeat("x", 3*maxLine), strings.Repeat("x", maxLine+1))
			if string(got) != want {
				t.Errorf("got %d bytes, want %d", len(got), len(want))
			}
			if last.end != uint64(len(text)) {
				t.Errorf("the last chunk ends at %d, the text at %d", last.end, len(text))
			}
		})
	}
}

func TestPoolBoundsMemory(t *testing.T) {
	pool := newChunkPool(1)
	b, err := pool.get(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := pool.get(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("a second buffer came from a pool of one: %v", err)
	}
	pool.put(b)
	if _, err := pool.get(context.Background()); err != nil {
		t.Fatal(err)
	}
}
