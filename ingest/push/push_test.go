package push_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"throng/ingest"
	"throng/ingest/push"
)

const token = "0123456789abcdef"

// sink keeps bodies. acknowledge false keeps them waiting.
type sink struct {
	mu          sync.Mutex
	offered     []string
	delivered   map[string]string // by key
	err         error
	acknowledge bool
}

func (s *sink) Offer(b []byte) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	s.offered = append(s.offered, string(b))
	return uint64(len(b)), nil
}

func (s *sink) Await(ctx context.Context, _ uint64) error {
	if s.acknowledge {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (s *sink) Deliver(ctx context.Context, key string, b []byte) error {
	s.mu.Lock()
	s.delivered[key] = string(b)
	s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	return s.Await(ctx, 0)
}

func packed(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

func squeezed(t *testing.T, text string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll([]byte(text), nil))
}

func TestAnswers(t *testing.T) {
	const limit = 1000
	const secret = "203.0.113.9 secret-word\n"
	bomb := strings.Repeat("a\n", 100*limit)
	for name, c := range map[string]struct {
		method, auth, encoding, key, body string
		err                               error
		waits                             bool
		status                            int
		answer, retry                     string
	}{
		"lines":                   {body: "a\nb\n", status: 200, answer: `{"lines":2}`},
		"no newline at the end":   {body: "a\nb", status: 200, answer: `{"lines":2}`},
		"nothing":                 {status: 200, answer: `{"lines":0}`},
		"gzip":                    {body: packed("a\nb\n"), encoding: "gzip", status: 200, answer: `{"lines":2}`},
		"zstd":                    {body: squeezed(t, "a\nb\n"), encoding: "zstd", status: 200, answer: `{"lines":2}`},
		"with a key":              {body: "a\n", key: "k1", status: 200, answer: `{"lines":1}`},
		"as large as allowed":     {body: strings.Repeat("a", limit), status: 200, answer: `{"lines":1}`},
		"no token":                {auth: "-", body: secret, status: 401, answer: "Authorization: Bearer"},
		"another token":           {auth: "Bearer 0123456789abcdeX", body: secret, status: 401, answer: "Authorization: Bearer"},
		"a shorter token":         {auth: "Bearer 0123456789abcde", body: secret, status: 401, answer: "Authorization: Bearer"},
		"the token, not a bearer": {auth: token, body: secret, status: 401, answer: "Authorization: Bearer"},
		"another method":          {method: "GET", status: 405},
		"another encoding":        {body: secret, encoding: "br", status: 415, answer: "gzip, zstd"},
		"no gzip":                 {body: secret, encoding: "gzip", status: 400, answer: "Content-Encoding"},
		"gzip, cut off":           {body: packed(secret)[:30], encoding: "gzip", status: 400, answer: "Content-Encoding"},
		"no zstd":                 {body: secret, encoding: "zstd", status: 400, answer: "Content-Encoding"},
		"too large":               {body: strings.Repeat("a", limit+1), status: 413, answer: "1000 bytes"},
		"too large, unpacked":     {body: packed(bomb), encoding: "gzip", status: 413, answer: "1000 bytes"},
		"too large, unsqueezed":   {body: squeezed(t, bomb), encoding: "zstd", status: 413, answer: "1000 bytes"},
		"too long a key":          {key: strings.Repeat("k", 256), body: secret, status: 400, answer: "Idempotency-Key"},
		"no room":                 {body: secret, err: ingest.ErrFull, status: 429, retry: "1", answer: "later"},
		"stopping":                {body: secret, err: ingest.ErrClosed, status: 503, retry: "5", answer: "stops"},
		"stopping, with a key":    {body: secret, key: "k", err: ingest.ErrClosed, status: 503, retry: "5", answer: "stops"},
		"no acknowledgement":      {body: secret, waits: true, status: 503, retry: "5", answer: "not acknowledged"},
		"none, with a key":        {body: secret, key: "k", waits: true, status: 503, retry: "5", answer: "not acknowledged"},
	} {
		t.Run(name, func(t *testing.T) {
			to := &sink{err: c.err, acknowledge: !c.waits, delivered: map[string]string{}}
			h, err := push.New(push.Options{Token: token, MaxBody: limit, AnswerWithin: 10 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)}, to)
			if err != nil {
				t.Fatal(err)
			}
			mux := http.NewServeMux()
			mux.Handle("POST /ingest", h)
			method := c.method
			if method == "" {
				method = "POST"
			}
			r := httptest.NewRequest(method, "/ingest", strings.NewReader(c.body))
			r.Header.Set("Authorization", "Bearer "+token)
			if c.auth != "" {
				r.Header.Set("Authorization", c.auth)
			}
			r.Header.Set("Content-Encoding", c.encoding)
			if c.key != "" {
				r.Header.Set("Idempotency-Key", c.key)
			}
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.answer) || w.Header().Get("Retry-After") != c.retry {
				t.Errorf("answered %d, retry %q, %s", w.Code, w.Header().Get("Retry-After"), w.Body)
			}
			if strings.Contains(w.Body.String(), "secret") || strings.Contains(w.Body.String(), "203.0") {
				t.Errorf("the answer holds what was sent: %s", w.Body)
			}
			if taken := len(to.offered)+len(to.delivered) > 0; c.err == nil && !c.waits && taken != (c.status == 200) {
				t.Errorf("answered %d, and lines were taken: %v", c.status, taken)
			}
		})
	}
}

// More bodies than may be in memory are refused at once, and none after one was let go.
func TestBackPressure(t *testing.T) {
	to := &sink{acknowledge: true, delivered: map[string]string{}}
	h, err := push.New(push.Options{Token: token, Logger: slog.New(slog.DiscardHandler)}, to)
	if err != nil {
		t.Fatal(err)
	}
	post := func(body io.Reader) int {
		r := httptest.NewRequest("POST", "/ingest", body)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	var slow []*io.PipeWriter
	var answers sync.WaitGroup
	for {
		r, w := io.Pipe()
		slow = append(slow, w)
		code := make(chan int, 1)
		answers.Go(func() { code <- post(r) })
		taken := make(chan struct{})
		go func() {
			if _, err := w.Write([]byte("a\n")); err == nil {
				close(taken)
			}
		}()
		select {
		case <-taken:
			if len(slow) > 100 {
				t.Fatal("a hundred bodies are read at a time")
			}
			continue
		case c := <-code:
			if c != http.StatusTooManyRequests {
				t.Errorf("answered %d", c)
			}
			w.CloseWithError(errors.New("refused"))
		}
		break
	}
	for _, w := range slow {
		w.Close()
	}
	answers.Wait()
	if code := post(strings.NewReader("a\n")); code != http.StatusOK {
		t.Errorf("answered %d afterwards", code)
	}
}

// Whatever is sent, the answer is one of the documented ones and repeats nothing of it, and no more is taken than was sent.
func FuzzRequest(f *testing.F) {
	f.Add([]byte("a line\nanother\n"), "", "key")
	f.Add([]byte(packed("a line\n")), "gzip", "")
	f.Add([]byte("\x28\xb5\x2f\xfd\x00"), "zstd", "k")
	f.Add([]byte("x"), "br, gzip", strings.Repeat("k", 300))
	f.Fuzz(func(t *testing.T, body []byte, encoding, key string) {
		const maxBody = 1 << 16
		s := &sink{delivered: map[string]string{}, acknowledge: true}
		h, err := push.New(push.Options{Token: token, MaxBody: maxBody, Logger: slog.New(slog.DiscardHandler)}, s)
		if err != nil {
			t.Fatal(err)
		}
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/ingest", bytes.NewReader(body))
		req.Header["Authorization"] = []string{"Bearer " + token}
		req.Header["Content-Encoding"], req.Header["Idempotency-Key"] = []string{encoding}, []string{key}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		switch w.Code {
		case http.StatusOK, http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		default:
			t.Errorf("answered %d", w.Code)
		}
		if len(body) > 24 && bytes.Contains(w.Body.Bytes(), body) {
			t.Error("the answer repeats the body")
		}
		taken := append(s.offered, s.delivered[key])
		for _, lines := range taken {
			if len(lines) > maxBody || encoding == "" && lines != "" && lines != string(body) {
				t.Errorf("%d bytes were taken of %d", len(lines), len(body))
			}
		}
	})
}
