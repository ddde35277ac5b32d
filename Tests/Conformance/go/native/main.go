// A server with one metric of each kind, a native histogram with exemplars among them.
package main

import (
	"log"
	"net/http"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func main() {
	requests := promauto.NewCounterVec(prometheus.CounterOpts{Name: "demo_requests_total", Help: "Requests,\nby \"code\"."}, []string{"code"})
	requests.WithLabelValues("200").Add(7)
	requests.WithLabelValues("5\\\"00\n").(prometheus.ExemplarAdder).AddWithExemplar(1, prometheus.Labels{"trace_id": "abc"})
	promauto.NewGauge(prometheus.GaugeOpts{Name: "demo_temperature_celsius", Help: "Temperature."}).Set(-12.5)
	summary := promauto.NewSummary(prometheus.SummaryOpts{Name: "demo_size_bytes", Objectives: map[float64]float64{0.5: 0.05, 0.99: 0.001}})
	native := promauto.NewHistogram(prometheus.HistogramOpts{Name: "demo_duration_seconds", Help: "Duration.", NativeHistogramBucketFactor: 1.1,
		Buckets: prometheus.DefBuckets})
	sparse := promauto.NewHistogram(prometheus.HistogramOpts{Name: "demo_sparse", NativeHistogramBucketFactor: 2, NativeHistogramZeroThreshold: 0.5})
	for i := -50; i < 500; i++ {
		summary.Observe(float64(i))
		sparse.Observe(float64(i) / 10)
		native.(prometheus.ExemplarObserver).ObserveWithExemplar(float64(i)/100, prometheus.Labels{"trace_id": "x"})
	}
	handler := promhttp.HandlerFor(prometheus.DefaultGatherer, promhttp.HandlerOpts{EnableOpenMetrics: true})
	http.Handle("/metrics", handler)
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}
