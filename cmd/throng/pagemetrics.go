package main

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// pageMetrics count the answers of the public listener. Their only label is the status: what was asked for, and
// by whom, is nowhere.
type pageMetrics struct {
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
}

func newPageMetrics() *pageMetrics {
	return &pageMetrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "throng_pages_requests_total",
			Help: "Requests to the public listener that were answered."}, []string{"code"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "throng_pages_duration_seconds",
			Help: "Time that an answer took.", Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}}, nil),
	}
}

func (m *pageMetrics) around(pages http.Handler) http.Handler {
	return promhttp.InstrumentHandlerDuration(m.took, promhttp.InstrumentHandlerCounter(m.requests, pages))
}

// Describe implements [prometheus.Collector].
func (m *pageMetrics) Describe(out chan<- *prometheus.Desc) {
	m.requests.Describe(out)
	m.took.Describe(out)
}

// Collect implements [prometheus.Collector].
func (m *pageMetrics) Collect(out chan<- prometheus.Metric) {
	m.requests.Collect(out)
	m.took.Collect(out)
}
