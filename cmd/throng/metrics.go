package main

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"throng/aggregate"
	"throng/aggregate/ledger"
	"throng/ingest"
	"throng/internal/broker"
)

// measured are the parts of a process that metrics tell of. What it does not run is nil.
type measured struct {
	ship   *ingest.Shipper
	load   *ingest.Loader
	broker *broker.Client // where blocks wait for load
	closer *aggregate.Closer
	keeper *keeperMetrics
	seen   *observer
	ledger string // its directory
	pages  *pageMetrics
}

// metrics are what a process tells of itself.
func metrics(m measured) *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	count := func(name, help string, value func() uint64) {
		reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "throng_" + name + "_total", Help: help}, func() float64 { return float64(value()) }))
	}
	if s := m.ship; s != nil {
		count("ship_lines", "Lines that were read.", func() uint64 { return s.Progress().Lines })
		count("ship_lines_acknowledged", "Lines whose blocks the broker has.", func() uint64 { return s.Progress().Acked })
		count("ship_lines_rejected", "Lines that could not be read.", func() uint64 { return s.Progress().Rejected })
		count("ship_lines_late", "Lines of days that are closed.", func() uint64 { return s.Progress().Late })
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "throng_ship_lag_bytes", Help: "Bytes of followed files, or received, that were not read yet."},
			func() float64 { return float64(s.Progress().Lag) }))
		reg.MustRegister(newSourceMetrics(s), newTallyMetrics(s))
	}
	if l := m.load; l != nil {
		count("load_blocks", "Blocks that were loaded.", func() uint64 { return l.Progress().Blocks })
		count("load_rows", "Rows that were loaded.", func() uint64 { return l.Progress().Rows })
		count("load_rows_late", "Rows of blocks that came after their day was closed.", func() uint64 { return l.Progress().LateRows })
		registerBacklog(reg, m.broker)
	}
	if m.seen != nil {
		m.seen.register(reg)
	}
	if m.closer != nil {
		registerClose(reg, m.closer, count)
	}
	if m.keeper != nil {
		reg.MustRegister(m.keeper)
	}
	if m.pages != nil {
		reg.MustRegister(m.pages)
	}
	if m.ledger != "" {
		registerLedger(reg, m.ledger)
	}
	return reg
}

// registerLedger tells how many entries the ledger has; NaN where it cannot be read.
func registerLedger(reg *prometheus.Registry, dir string) {
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "throng_ledger_entries", Help: "Entries of the privacy ledger: two a release; NaN where it cannot be read."}, func() float64 {
		n, err := ledger.Check(dir)
		if err != nil {
			return math.NaN()
		}
		return float64(n)
	}))
}

// registerClose tells how closing does: an alert on throng_close_days_overdue comes before a day is lost, and
// throng_close_deadline_seconds says how long before.
func registerClose(reg *prometheus.Registry, c *aggregate.Closer, count func(name, help string, value func() uint64)) {
	gauge := func(name, help string, value func() float64) {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "throng_close_" + name, Help: help}, value))
	}
	count("close_rounds", "Rounds in which days that are due were looked for.", func() uint64 { return c.Progress().Rounds })
	count("close_rounds_failed", "Those of them that ended with an error.", func() uint64 { return c.Progress().Failed })
	gauge("last_round_seconds", "Time of the last round without an error, in seconds since 1970; 0 before the first.", func() float64 { return seconds(c.Progress().Last) })
	gauge("days_overdue", "Days past the lateness limit that are not closed.", func() float64 { return float64(c.Progress().Overdue) })
	gauge("deadline_seconds", "Time at which the next overdue day is lost, in seconds since 1970; 0 where there is none.", func() float64 { return seconds(c.Progress().Deadline) })
	gauge("days_lost", "Days that were not closed in time and will have no release.", func() float64 { return float64(c.Progress().Lost) })
	gauge("unpublished", "Releases whose budget is spent and that are not published.", func() float64 { return float64(c.Progress().Unpublished) })
	gauge("budget_spent_ratio", "Share of the privacy budget that is spent of the site and period with an unpublished release that has spent most; 0 where there is none.",
		func() float64 { return c.Progress().Spent })
}

// seconds is a time as metrics tell it; 0 is none.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.Unix())
}

// sourceMetrics are one row of metrics a source. Their only label is the configured name: a file's name
// can hold what a visitor wrote.
type sourceMetrics struct {
	ship                                               *ingest.Shipper
	lines, rejected, late, dropped, invalid, lag, upTo *prometheus.Desc
}

func newSourceMetrics(s *ingest.Shipper) *sourceMetrics {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("throng_source_"+name, help, []string{"source"}, nil)
	}
	return &sourceMetrics{
		ship:     s,
		lines:    desc("lines_total", "Lines of the source whose blocks the broker has."),
		rejected: desc("lines_rejected_total", "Those of them that could not be read."),
		late:     desc("lines_late_total", "Those of them whose day was closed."),
		dropped:  desc("dropped_total", "Messages that were lost before they could be read, as far as the system says."),
		invalid:  desc("invalid_signals_total", "Values of DNT and Sec-GPC in these lines that are outside of their specification, and so no signal."),
		lag:      desc("lag", "What was not read yet: bytes of files, bytes that were received, or messages of a topic."),
		upTo:     desc("read_up_to_seconds", "Time up to which every line is in the broker, in seconds since 1970; absent before the first."),
	}
}

// Describe implements [prometheus.Collector].
func (m *sourceMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.lines, m.rejected, m.late, m.dropped, m.invalid, m.lag, m.upTo} {
		out <- d
	}
}

// Collect implements [prometheus.Collector].
func (m *sourceMetrics) Collect(out chan<- prometheus.Metric) {
	for _, p := range m.ship.Progress().Sources {
		counter := func(d *prometheus.Desc, v uint64) {
			out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), p.Name)
		}
		counter(m.lines, p.Lines)
		counter(m.rejected, p.Rejected)
		counter(m.late, p.Late)
		counter(m.dropped, p.Dropped)
		counter(m.invalid, p.InvalidSignals)
		out <- prometheus.MustNewConstMetric(m.lag, prometheus.GaugeValue, float64(p.Lag), p.Name)
		if !p.Watermark.IsZero() {
			out <- prometheus.MustNewConstMetric(m.upTo, prometheus.GaugeValue, float64(p.Watermark.UnixMilli())/1e3, p.Name)
		}
	}
}
