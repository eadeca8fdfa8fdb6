// Package push receives log lines over HTTP: POST /ingest with lines, or NDJSON, in the body.
//
// # What it guarantees
//
// The answer 200 means that the broker has acknowledged every line of the body, as anonymized events;
// nothing raw is written to disk. A request with an Idempotency-Key that is repeated with the same body,
// to the same machine, after whatever happened to it, is counted once. Everything else that was answered
// otherwise, or not at all, was counted or was not: repeated it may be counted twice.
//
// Memory is bounded: by the number of bodies that are read at a time and the size of each, unpacked, and
// by the inbox behind. What is over is answered 429 with Retry-After, at once. No answer and no log
// holds anything of a body or of who sent it.
//
// # What it does not
//
// There is one token, for everyone who pushes. A body is counted whole or not at all, but its lines
// that cannot be read are refused one by one, as those of any source are.
package push

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"throng/ingest"
)

// Sink takes lines. [ingest.Inbox] is one.
type Sink interface {
	// Offer takes lines if there is room; else the error is [ingest.ErrFull] or [ingest.ErrClosed].
	Offer(lines []byte) (end uint64, err error)
	// Await waits until the broker has every line before end.
	Await(ctx context.Context, end uint64) error
	// Deliver takes lines under a key and returns when the broker has them.
	Deliver(ctx context.Context, key string, lines []byte) error
}

// Options of [New].
type Options struct {
	// Token is what has to follow "Authorization: Bearer". Required.
	Token string
	// MaxBody is the largest body, in bytes, packed and unpacked. Defaults to 8 MiB.
	MaxBody int64
	// AnswerWithin is how long a request waits for the broker. Defaults to 30 s.
	AnswerWithin time.Duration
	// Logger receives why the server ended. Required.
	Logger *slog.Logger
}

const (
	// maxReading bounds the bodies that are in memory at a time.
	maxReading = 8
	// maxWaiting bounds the requests that wait for the broker at a time.
	maxWaiting = 1024
	// maxKey is the longest Idempotency-Key.
	maxKey = 255
	// readWithin is how long a body may take to arrive.
	readWithin = 30 * time.Second
	// stopWithin is how long requests under way may take when the server stops.
	stopWithin = 4 * time.Second
)

// Handler answers POST /ingest.
type Handler struct {
	o       Options
	sink    Sink
	token   [sha256.Size]byte
	reading chan struct{}
	waiting atomic.Int64
}

// New makes a handler that hands bodies on to a sink.
func New(o Options, sink Sink) (*Handler, error) {
	if o.Token == "" || o.Logger == nil || sink == nil {
		return nil, errors.New("receive over HTTP: a required option is missing")
	}
	if o.MaxBody <= 0 {
		o.MaxBody = 8 << 20
	}
	if o.AnswerWithin <= 0 {
		o.AnswerWithin = 30 * time.Second
	}
	return &Handler{o: o, sink: sink, token: sha256.Sum256([]byte(o.Token)), reading: make(chan struct{}, maxReading)}, nil
}

// refusal is an answer other than 200. Its text is the body of the answer.
type refusal struct {
	status int
	retry  int // seconds; 0 says nothing of a repetition
	text   string
}

func (r *refusal) Error() string { return r.text }

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	lines, err := h.receive(w, r)
	if err == nil {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, "{\"lines\":%d}\n", lines) //nolint:gosec // a number
		return
	}
	var no *refusal
	if !errors.As(err, &no) {
		no = &refusal{http.StatusServiceUnavailable, 5, "the lines were not acknowledged in time; send them again"}
	}
	if no.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(no.retry))
	}
	if no.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="throng"`)
	}
	http.Error(w, no.text, no.status)
}

// receive takes one request; lines is their number when the broker has them.
func (h *Handler) receive(w http.ResponseWriter, r *http.Request) (lines int, err error) {
	key, err := h.check(r)
	if err != nil {
		return 0, err
	}
	if h.waiting.Add(1) > maxWaiting {
		h.waiting.Add(-1)
		return 0, errBusy
	}
	defer h.waiting.Add(-1)
	select {
	case h.reading <- struct{}{}:
	default:
		return 0, errBusy
	}
	read := func() { <-h.reading }
	body, err := h.read(w, r)
	if err != nil {
		read()
		return 0, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.o.AnswerWithin)
	defer cancel()
	if key != "" {
		defer read() // the body stays in memory
		return count(body), busyWhenFull(h.sink.Deliver(ctx, key, body))
	}
	n := count(body)
	end, err := h.sink.Offer(body)
	read()
	if err != nil {
		return 0, busyWhenFull(err)
	}
	return n, h.sink.Await(ctx, end)
}

var (
	errBusy   = &refusal{http.StatusTooManyRequests, 1, "more comes in than can be taken; send it again later"}
	errClosed = &refusal{http.StatusServiceUnavailable, 5, "this server stops; send it again"}
)

func busyWhenFull(err error) error {
	switch {
	case errors.Is(err, ingest.ErrFull):
		return errBusy
	case errors.Is(err, ingest.ErrClosed):
		return errClosed
	}
	return err
}

// check looks at everything but the body.
func (h *Handler) check(r *http.Request) (key string, err error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	given := sha256.Sum256([]byte(token)) // of equal length, so that the comparison tells nothing of it
	if subtle.ConstantTimeCompare(given[:], h.token[:]) != 1 || !ok {
		return "", &refusal{http.StatusUnauthorized, 0, "send the token of the source: Authorization: Bearer TOKEN"}
	}
	if r.ContentLength > h.o.MaxBody {
		return "", h.tooLarge()
	}
	key = r.Header.Get("Idempotency-Key")
	if len(key) > maxKey || len(r.Header.Values("Idempotency-Key")) > 1 {
		return "", &refusal{http.StatusBadRequest, 0, fmt.Sprintf("send one Idempotency-Key of at most %d bytes", maxKey)}
	}
	return key, nil
}

func (h *Handler) tooLarge() error {
	return &refusal{http.StatusRequestEntityTooLarge, 0, fmt.Sprintf("a body may have %d bytes, packed and unpacked; send fewer lines at a time", h.o.MaxBody)}
}

// read reads and unpacks the body.
func (h *Handler) read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	packed := http.MaxBytesReader(w, r.Body, h.o.MaxBody)
	plain, err := unpack(packed, r.Header.Get("Content-Encoding"))
	if err != nil {
		return nil, h.unreadable(err)
	}
	defer plain.Close()
	body, err := io.ReadAll(io.LimitReader(plain, h.o.MaxBody+1))
	if err != nil {
		return nil, h.unreadable(err)
	}
	if int64(len(body)) > h.o.MaxBody {
		return nil, h.tooLarge()
	}
	return body, nil
}

func (h *Handler) unreadable(err error) error {
	var no *refusal
	if errors.As(err, &no) {
		return no
	}
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return h.tooLarge()
	}
	return &refusal{http.StatusBadRequest, 0, "the body ended early, or is not what its Content-Encoding says"}
}

// count is the number of lines.
func count(body []byte) (n int) {
	for _, c := range body {
		if c == '\n' {
			n++
		}
	}
	if len(body) > 0 && body[len(body)-1] != '\n' {
		n++
	}
	return n
}

// Server is one listener.
type Server struct {
	o Options
	l net.Listener
}

// Listen opens an address, with TLS where a configuration is given.
func Listen(ctx context.Context, addr string, secure *tls.Config, o Options) (*Server, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for lines over HTTP: %w", err)
	}
	if secure != nil {
		l = tls.NewListener(l, secure)
	}
	return &Server{o: o, l: l}, nil
}

// Addr is the address that is listened on.
func (s *Server) Addr() string { return s.l.Addr().String() }

// Close stops listening. After Serve it does nothing.
func (s *Server) Close() error {
	if err := s.l.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Serve answers requests until ctx ends, and those under way for some seconds more. What net/http itself
// would log is not: it names the address of who sends.
func (s *Server) Serve(ctx context.Context, sink Sink) error {
	h, err := New(s.o, sink)
	if err != nil {
		return errors.Join(err, s.l.Close())
	}
	mux := http.NewServeMux()
	mux.Handle("POST /ingest", h)
	requests, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	srv := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: readWithin, WriteTimeout: readWithin + s.o.AnswerWithin + 30*time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		BaseContext: func(net.Listener) context.Context { return requests },
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(s.l) }()
	select {
	case err := <-done:
		return fmt.Errorf("receive over HTTP: %w", err)
	case <-ctx.Done():
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if err := srv.Shutdown(bounded); err != nil {
		cut()
		return srv.Close()
	}
	return nil
}
