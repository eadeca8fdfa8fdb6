package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"throng"
	"throng/retention"
	"throng/retention/hold"
)

// keeperMetrics tell how retention does and which holds are due, by store and class and never by what is in
// them: how many rows a class has could be subtracted from what is published.
type keeperMetrics struct {
	keeper *retention.Keeper
	holds  string // the register's path
	clock  throng.Clock
	every  time.Duration

	sweeps, failed, interval, verified, pending, violations, age, limit, deadline, readable, inForce, due *prometheus.Desc
}

func (n *node) keeperMetrics(k *retention.Keeper) *keeperMetrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("throng_"+name, help, labels, nil)
	}
	return &keeperMetrics{
		keeper: k, holds: n.dir.holds(), clock: n.clock, every: n.cfg.Retention.CheckEvery.Std(),
		sweeps:     desc("retention_sweeps_total", "Sweeps of all stores."),
		failed:     desc("retention_sweeps_failed_total", "Those of them that ended with an error."),
		interval:   desc("retention_interval_seconds", "Time between two sweeps (retention.check_every)."),
		verified:   desc("retention_verified_seconds", "Time of the last sweep without an error, in seconds since 1970; 0 before the first."),
		pending:    desc("retention_deletions_pending", "Deletions that are on record and not yet seen to be done, after the last sweep."),
		violations: desc("retention_violations", "Items that the last sweep found past their time, of no class, or kept for too long by their store."),
		age:        desc("retention_oldest_age_seconds", "Age of the oldest record of the class in the store, at the last sweep.", "store", "class"),
		limit:      desc("retention_limit_seconds", "The greatest age that the class may have.", "store", "class"),
		deadline:   desc("retention_deadline_seconds", "Time by which the next item of the class has to be gone, in seconds since 1970.", "store", "class"),
		readable:   desc("holds_readable", "1 where the hold register can be read and its chain is whole, else 0."),
		inForce:    desc("holds_in_force", "Holds that keep copies of events."),
		due:        desc("holds_review_due", "Holds in force that were to be reviewed by now and were not."),
	}
}

// Describe implements [prometheus.Collector].
func (m *keeperMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.sweeps, m.failed, m.interval, m.verified, m.pending, m.violations, m.age, m.limit, m.deadline, m.readable, m.inForce, m.due} {
		out <- d
	}
}

// Collect implements [prometheus.Collector].
func (m *keeperMetrics) Collect(out chan<- prometheus.Metric) {
	p := m.keeper.Progress()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	out <- prometheus.MustNewConstMetric(m.sweeps, prometheus.CounterValue, float64(p.Sweeps))
	out <- prometheus.MustNewConstMetric(m.failed, prometheus.CounterValue, float64(p.Failed))
	gauge(m.interval, m.every.Seconds())
	gauge(m.verified, seconds(p.Verified))
	gauge(m.pending, float64(p.Pending))
	gauge(m.violations, float64(len(p.Last.Violations)))
	for _, h := range p.Last.Holdings {
		if h.Deadline.IsZero() { // is kept
			continue
		}
		gauge(m.age, time.Duration(h.Age).Seconds(), h.Store, string(h.Class))
		gauge(m.limit, time.Duration(h.Limit).Seconds(), h.Store, string(h.Class))
		gauge(m.deadline, seconds(h.Deadline), h.Store, string(h.Class))
	}
	m.collectHolds(gauge)
}

func (m *keeperMetrics) collectHolds(gauge func(*prometheus.Desc, float64, ...string)) {
	list, err := hold.ReadFile(m.holds)
	if err != nil { // the sweeps fail for it as well, and say why
		gauge(m.readable, 0)
		return
	}
	s := list.Summary(m.clock.Now())
	gauge(m.readable, 1)
	gauge(m.inForce, float64(s.InForce))
	gauge(m.due, float64(s.ReviewsOverdue))
}
