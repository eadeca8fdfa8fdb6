package embedded

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// transport serves requests of this process without a socket. The handler runs in a goroutine of its
// own, which ends when the response was read or closed, or the request's context is done; the engine
// waits for it when it is closed, as it waits for every statement.
type transport struct{ handler http.Handler }

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	body, sink := io.Pipe()
	w := &pipeWriter{header: http.Header{}, sink: sink, begun: make(chan struct{})}
	go func() {
		defer w.finish()
		if req.Body != nil {
			defer req.Body.Close()
		}
		t.handler.ServeHTTP(w, req.WithContext(ctx))
	}()
	// A reader that waits for the next piece must learn of the cancellation at once.
	stop := context.AfterFunc(req.Context(), func() { sink.CloseWithError(context.Cause(req.Context())) })
	select {
	case <-w.begun:
	case <-ctx.Done():
		err := context.Cause(ctx)
		cancel(err)
		body.CloseWithError(err)
		return nil, err
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)),
		StatusCode:    w.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        w.sent,
		ContentLength: contentLength(w.sent),
		Body:          &pipeBody{body, func() { stop(); cancel(errBodyClosed) }},
		Request:       req,
	}, nil
}

var errBodyClosed = fmt.Errorf("response closed: %w", context.Canceled)

func contentLength(h http.Header) int64 {
	n, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// pipeWriter is a ResponseWriter whose body is read by the one who waits for the response.
type pipeWriter struct {
	header http.Header
	sink   *io.PipeWriter

	once   sync.Once
	begun  chan struct{} // closed when status and sent are set
	status int
	sent   http.Header
}

func (w *pipeWriter) Header() http.Header { return w.header }

func (w *pipeWriter) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.begun)
	})
}

func (w *pipeWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if len(p) == 0 { // a pipe would hand it to the reader as a read of nothing
		return 0, nil
	}
	return w.sink.Write(p)
}

// abort ends the response with an error, which whoever reads it gets in place of the end.
func (w *pipeWriter) abort(err error) { w.sink.CloseWithError(err) }

func (w *pipeWriter) finish() {
	w.WriteHeader(http.StatusOK)
	w.sink.Close()
}

type pipeBody struct {
	*io.PipeReader
	done func()
}

func (b *pipeBody) Close() error {
	b.done()
	return b.PipeReader.Close()
}
