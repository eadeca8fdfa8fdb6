package ingest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"

	"github.com/klauspost/compress/zstd"
)

// packings are the forms in which rotation compresses a log, by the bytes at the front of a file. The
// name says nothing: no line of a log begins like this.
var packings = []struct {
	name  string
	magic []byte
	open  func(io.Reader) (io.ReadCloser, error)
}{
	{"gzip", []byte{0x1f, 0x8b, 8}, func(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) }},
	{"zstd", []byte{0x28, 0xb5, 0x2f, 0xfd}, func(r io.Reader) (io.ReadCloser, error) {
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}},
}

// packing is the name of a file's form; "" where it is not compressed.
func packing(f io.ReaderAt) (string, error) {
	front := make([]byte, 4)
	n, err := f.ReadAt(front, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	for _, p := range packings {
		if bytes.HasPrefix(front[:n], p.magic) {
			return p.name, nil
		}
	}
	return "", nil
}

// unpack reads a compressed file from its start.
func unpack(f io.ReaderAt, name string) (io.ReadCloser, error) {
	for _, p := range packings {
		if p.name == name {
			return p.open(io.NewSectionReader(f, 0, math.MaxInt64))
		}
	}
	return nil, fmt.Errorf("unpack file: unknown form %q", name)
}

// unpackedHead is the first part of what a compressed file holds: less than n bytes where it has no more,
// or is damaged, or is still being written.
func unpackedHead(f io.ReaderAt, name string, n int) []byte {
	r, err := unpack(f, name)
	if err != nil {
		return nil
	}
	defer r.Close()
	head := make([]byte, n)
	n, _ = io.ReadFull(r, head) // what stops it is met again when the file is read
	return head[:n]
}

// Head is the first part of what a log holds, compressed or not: less than n bytes where it has no more, or
// is damaged.
func Head(path string, n int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	form, err := packing(f)
	if err != nil || form != "" {
		return unpackedHead(f, form, n), err
	}
	head := make([]byte, n)
	n, err = io.ReadFull(f, head)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = nil
	}
	return head[:n], err
}

// unpackedSize is the number of bytes that a compressed file holds. The error is not nil where it is
// damaged, or still being written.
func unpackedSize(f io.ReaderAt, name string) (uint64, error) {
	r, err := unpack(f, name)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	n, err := io.Copy(io.Discard, r)
	return uint64(n), err
}

// stamp tells whether a file is what it was when it was last looked at.
type stamp struct {
	device, inode uint64
	size, changed int64
}

func stampOf(path string) (stamp, error) {
	st, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	return stampOfInfo(st), nil
}

func stampOfInfo(st fs.FileInfo) stamp {
	device, inode := number(st)
	return stamp{device, inode, st.Size(), st.ModTime().UnixNano()}
}
