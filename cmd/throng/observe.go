package main

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"

	"throng"
	"throng/ingest"
	"throng/internal/broker"
	"throng/internal/tracing"
)

// observer follows loading and closing, for metrics and traces. Its methods may be called from any goroutine.
type observer struct {
	clock  throng.Clock
	tracer *tracing.Tracer // nil where nothing is traced

	rows, bytes, insert, closing prometheus.Histogram
	failed                       prometheus.Counter
}

// coarse is how precisely times of a close are told: how long the draws take would tell how many there were.
const coarse = time.Second

// observe lets the loader and the closer that are made from now on be followed, and opens the tracer if one is
// configured.
func (n *node) observe(ctx context.Context) error {
	n.seen = newObserver(n.clock)
	endpoint := n.cfg.Telemetry.Traces.Endpoint
	if endpoint == "" {
		return nil
	}
	var err error
	n.seen.tracer, err = tracing.Open(ctx, tracing.Options{Endpoint: endpoint, Service: "throng", Version: programVersion(), Clock: n.clock})
	if err != nil {
		return err
	}
	n.onClose(n.seen.tracer.Close)
	return nil
}

func newObserver(clock throng.Clock) *observer {
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: "throng_" + name, Help: help, Buckets: buckets})
	}
	return &observer{
		clock:   clock,
		rows:    histogram("load_block_rows", "Rows of the blocks that were inserted.", prometheus.ExponentialBuckets(1, 8, 7)),
		bytes:   histogram("load_block_bytes", "Bytes of the blocks that were inserted.", prometheus.ExponentialBuckets(1<<10, 8, 6)),
		insert:  histogram("load_insert_seconds", "Time from the first try to insert a block to the last.", prometheus.ExponentialBuckets(.005, 4, 8)),
		closing: histogram("close_duration_seconds", "Time that it took to make the releases of a day or span, to the second.", []float64{1, 5, 15, 60, 300, 900, 3600}),
		failed:  prometheus.NewCounter(prometheus.CounterOpts{Name: "throng_load_insert_errors_total", Help: "Tries to insert a block that failed; each is made again."}),
	}
}

// register adds what is observed.
func (o *observer) register(reg *prometheus.Registry) {
	reg.MustRegister(o.rows, o.bytes, o.insert, o.closing, o.failed)
	reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "throng_traces_lost_total", Help: "Spans that the collector did not take."}, func() float64 {
		if o.tracer == nil {
			return 0
		}
		return float64(o.tracer.Lost())
	}))
}

// block implements [ingest.LoadOptions.Observe].
func (o *observer) block(ctx context.Context, rows, bytes int) (context.Context, func(failed int, err error)) {
	began := o.clock.Now()
	ctx, end := o.span(ctx, "load block", 0, attribute.Int("throng.rows", rows), attribute.Int("throng.bytes", bytes))
	return ctx, func(failed int, err error) {
		o.failed.Add(float64(failed))
		if err == nil {
			o.rows.Observe(float64(rows))
			o.bytes.Observe(float64(bytes))
			o.insert.Observe(o.clock.Now().Sub(began).Seconds())
		}
		end(err, attribute.Int("throng.failed_tries", failed))
	}
}

// close implements [aggregate.Options.Observe].
func (o *observer) close(ctx context.Context, period throng.Period) (context.Context, func(error)) {
	began := o.clock.Now()
	ctx, end := o.span(ctx, "close period", coarse, attribute.String("throng.period", period.String()), attribute.String("throng.kind", string(period.Kind())))
	return ctx, func(err error) {
		if err == nil {
			o.closing.Observe(o.clock.Now().Sub(began).Round(coarse).Seconds())
		}
		end(err)
	}
}

// span begins a span, where anything is traced.
func (o *observer) span(ctx context.Context, name string, step time.Duration, attrs ...attribute.KeyValue) (context.Context, func(error, ...attribute.KeyValue)) {
	if o.tracer == nil {
		return ctx, func(error, ...attribute.KeyValue) {}
	}
	ctx, s := o.tracer.Start(ctx, name, step, attrs...)
	return ctx, s.End
}

// backlogWithin bounds the question how much is not loaded: whoever scrapes does not wait for a broker that is down.
const backlogWithin = 2 * time.Second

// registerBacklog tells how many blocks wait for loaders; NaN where the broker does not say.
func registerBacklog(reg *prometheus.Registry, b *broker.Client) {
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "throng_load_backlog_blocks", Help: "Blocks in the broker that no loader has committed; NaN where the broker does not say."}, func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), backlogWithin)
		defer cancel()
		waiting, err := backlog(ctx, b)
		if err != nil {
			return math.NaN()
		}
		sum := int64(0)
		for _, n := range waiting {
			sum += n
		}
		return float64(sum)
	}))
}

// backlog is the number of blocks that are not loaded, by topic.
func backlog(ctx context.Context, b *broker.Client) (map[string]int64, error) {
	topics, err := b.Topics(ctx)
	if err != nil {
		return nil, err
	}
	waiting := map[string]int64{}
	for _, topic := range topics {
		if _, ok := throng.ParseEventsTopic(topic); !ok {
			continue
		}
		end, err := b.End(ctx, topic)
		if err != nil {
			return nil, err
		}
		committed, err := b.Committed(ctx, ingest.LoadGroup(topic), topic)
		if err != nil {
			return nil, err
		}
		for p := range end {
			waiting[topic] += end[p] - max(committed[p], 0)
		}
	}
	return waiting, nil
}

// tallyMetrics tell of lines by reason and of signals by kind. Of signals only whether there were any, or many, since
// an exact number that Prometheus keeps for longer than ten days could be subtracted from what is published.
type tallyMetrics struct {
	ship             *ingest.Shipper
	rejected, signal *prometheus.Desc
}

func newTallyMetrics(s *ingest.Shipper) *tallyMetrics {
	return &tallyMetrics{
		ship:     s,
		rejected: prometheus.NewDesc("throng_ship_lines_rejected_by_reason_total", "Lines that could not be read, by the reason.", []string{"reason"}, nil),
		signal:   prometheus.NewDesc("throng_ship_signal_share", "Whether events had an opt-out signal of the kind, since the start: 0 none, 1 some, 2 above 1 %.", []string{"signal"}, nil),
	}
}

// Describe implements [prometheus.Collector].
func (m *tallyMetrics) Describe(out chan<- *prometheus.Desc) { out <- m.rejected; out <- m.signal }

// Collect implements [prometheus.Collector].
func (m *tallyMetrics) Collect(out chan<- prometheus.Metric) {
	t := m.ship.Tally()
	for reason, n := range t.Rejected {
		out <- prometheus.MustNewConstMetric(m.rejected, prometheus.CounterValue, float64(n), reason)
	}
	for s := throng.NoSignal + 1; s <= throng.OptOutByName; s++ {
		out <- prometheus.MustNewConstMetric(m.signal, prometheus.GaugeValue, shareLevel(t.Signals[s.String()], t.Events), s.String())
	}
}

// shareLevel is a share as coarse as it may be published (method, section 6).
func shareLevel(n, all uint64) float64 {
	switch {
	case n == 0:
		return 0
	case n*100 > all:
		return 2
	}
	return 1
}
