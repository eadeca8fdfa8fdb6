package tracing_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"throng"
	"throng/internal/tracing"
)

// ticking moves 1,700 ms whenever it is looked at.
type ticking struct{ now time.Time }

func (c *ticking) Now() time.Time {
	c.now = c.now.Add(1700 * time.Millisecond)
	return c.now
}

func (c *ticking) NewTimer(d time.Duration) *time.Timer { return time.NewTimer(d) }

var _ throng.Clock = (*ticking)(nil)

// receiver is a collector.
type receiver struct {
	status int
	bodies chan []byte
}

func (r receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil || req.URL.Path != "/v1/traces" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.bodies <- body
	w.WriteHeader(r.status)
}

func open(t *testing.T, status int) (*tracing.Tracer, receiver) {
	t.Helper()
	r := receiver{status, make(chan []byte, 10)}
	srv := httptest.NewServer(r)
	t.Cleanup(srv.Close)
	tracer, err := tracing.Open(t.Context(), tracing.Options{
		Endpoint: srv.URL + "/v1/traces", Service: "throng", Version: "test", Clock: &ticking{time.Unix(1_000_000, 0)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return tracer, r
}

func TestSpansReachACollector(t *testing.T) {
	tracer, r := open(t, http.StatusOK)
	ctx, outer := tracer.Start(t.Context(), "close", time.Second, attribute.String("throng.period", "2036-03-19"))
	_, inner := tracer.Start(ctx, "load block", 0)
	inner.End(&throng.Retryable{Err: errors.New("said 198.51.100.7")}, attribute.Int("throng.rows", 17))
	outer.End(nil)
	if err := tracer.Close(); err != nil {
		t.Fatal(err)
	}
	body := <-r.bodies
	if bytes.Contains(body, []byte("198.51.100.7")) {
		t.Error("the text of an error was sent")
	}
	var req collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(body, &req); err != nil {
		t.Fatal(err)
	}
	byName := map[string]*spans.Span{}
	for _, s := range req.ResourceSpans[0].ScopeSpans[0].Spans {
		byName[s.Name] = s
	}
	in, out := byName["load block"], byName["close"]
	if in == nil || out == nil || !bytes.Equal(in.ParentSpanId, out.SpanId) || in.Status.Code != spans.Status_STATUS_CODE_ERROR || in.Status.Message != "" {
		t.Fatalf("spans: %v", byName)
	}
	if d := out.EndTimeUnixNano - out.StartTimeUnixNano; out.StartTimeUnixNano%1e9 != 0 || out.EndTimeUnixNano%1e9 != 0 || d == 0 {
		t.Errorf("a coarse span lasted from %d to %d", out.StartTimeUnixNano, out.EndTimeUnixNano)
	}
	if d := in.EndTimeUnixNano - in.StartTimeUnixNano; d != 1700e6 {
		t.Errorf("a span lasted %d ns", d)
	}
	if n := tracer.Lost(); n != 0 {
		t.Errorf("%d spans are lost", n)
	}
}

func TestACollectorThatRefusesCostsSpansOnly(t *testing.T) {
	tracer, _ := open(t, http.StatusServiceUnavailable)
	_, s := tracer.Start(t.Context(), "close", 0)
	s.End(nil)
	if err := tracer.Close(); err != nil {
		t.Error(err)
	}
	if n := tracer.Lost(); n != 1 {
		t.Errorf("%d spans are lost, want 1", n)
	}
}
