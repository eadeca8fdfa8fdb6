// Package tracing sends spans of what the program does to a collector, by OTLP over HTTP.
//
// A span has a name that is a constant of this program, durations, counts, and the names of sites, sources and
// periods. It guarantees that no error's text is sent: a span says that something failed, the log says why. A collector
// that does not answer costs spans and nothing else; what could not be sent is counted and dropped.
//
// How long draws take would tell how many were made, so whoever ends a span over draws asks for a coarse clock.
package tracing

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"throng"
)

// Options configure a [Tracer].
type Options struct {
	// Endpoint is the collector's address for traces, such as http://127.0.0.1:4318/v1/traces. Required.
	Endpoint string
	// Service and Version name the program. Required.
	Service, Version string
	Clock            throng.Clock // Required.
}

// flushWithin bounds the sending of what is left when the program stops.
const flushWithin = 3 * time.Second

// Tracer makes spans. Its methods may be called from any goroutine.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	clock    throng.Clock
	lost     *atomic.Uint64
}

// Open starts to send. Nothing is asked of the collector yet. What o does not say, such as headers with a token of the
// collector, comes from OpenTelemetry's own variables (OTEL_EXPORTER_OTLP_HEADERS).
func Open(ctx context.Context, o Options) (*Tracer, error) {
	client, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(o.Endpoint), otlptracehttp.WithTimeout(flushWithin),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: false}))
	if err != nil {
		return nil, fmt.Errorf("open tracing: %w", err)
	}
	lost := &atomic.Uint64{}
	provider := sdk.NewTracerProvider(
		sdk.WithBatcher(counting{client, lost}),
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", o.Service), attribute.String("service.version", o.Version))),
		sdk.WithSampler(sdk.AlwaysSample()),
	)
	return &Tracer{provider, provider.Tracer("throng"), o.Clock, lost}, nil
}

// counting drops what could not be sent: tracing must not fill the log of a program that works.
type counting struct {
	sdk.SpanExporter
	lost *atomic.Uint64
}

func (c counting) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	if c.SpanExporter.ExportSpans(ctx, spans) != nil {
		c.lost.Add(uint64(len(spans)))
	}
	return nil
}

// Lost is the number of spans that could not be sent.
func (t *Tracer) Lost() uint64 { return t.lost.Load() }

// Start begins a span within that of ctx. step is how coarsely its times are told; 0 is as they are.
func (t *Tracer) Start(ctx context.Context, name string, step time.Duration, attrs ...attribute.KeyValue) (context.Context, *Span) {
	ctx, s := t.tracer.Start(ctx, name, trace.WithTimestamp(t.clock.Now().Truncate(step)), trace.WithAttributes(attrs...))
	return ctx, &Span{s, t.clock, step}
}

// Span is something that takes time. It belongs to one goroutine.
type Span struct {
	span  trace.Span
	clock throng.Clock
	step  time.Duration
}

// End ends the span. Of err it tells only that there was one, and whether it may go away.
func (s *Span) End(err error, attrs ...attribute.KeyValue) {
	s.span.SetAttributes(attrs...)
	if err != nil {
		s.span.SetStatus(codes.Error, "")
		s.span.SetAttributes(attribute.Bool("throng.retryable", throng.IsRetryable(err)))
	}
	s.span.End(trace.WithTimestamp(s.clock.Now().Truncate(s.step)))
}

// Close sends what is left, within a bounded time.
func (t *Tracer) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), flushWithin)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("close tracing: %w", err)
	}
	return nil
}
