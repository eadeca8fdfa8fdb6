package push

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds the memory that a zstd body can ask for.
const maxWindow = 8 << 20

// unpack reads a body in its Content-Encoding.
func unpack(r io.Reader, encoding string) (io.ReadCloser, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return io.NopCloser(r), nil
	case "gzip", "x-gzip":
		return gzip.NewReader(r)
	case "zstd":
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, fmt.Errorf("unpack body: %w", err)
		}
		return d.IOReadCloser(), nil
	}
	return nil, &refusal{http.StatusUnsupportedMediaType, 0, "the Content-Encoding is none of gzip, zstd and identity"}
}
