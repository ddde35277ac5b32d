// Pushes as the tutorial's batch jobs do: `push URL add|customers|producers|sample|delete`.
package main

import (
	"fmt"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/push"
)

func gauge(name, help string, value float64) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	g.Set(value)
	return g
}

func main() {
	url, what := os.Args[1], os.Args[2]
	completion := gauge("db_backup_last_completion_timestamp_seconds", "The timestamp of the last completion of a DB backup.", 1700000000)
	var err error
	switch what {
	case "add":
		registry := prometheus.NewRegistry()
		registry.MustRegister(completion, gauge("db_backup_records_processed", "Records.", 42))
		err = push.New(url, "db_backup").Gatherer(registry).Collector(gauge("db_backup_last_success_timestamp_seconds", "Success.", 1700000001)).Add()
	case "customers", "producers":
		err = push.New(url, "db_backup").Collector(completion).Grouping("db", what).Push()
	case "sample":
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "batch_count_total", Help: "Counter of execute."})
		c.Add(100)
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "batch_step_seconds", Help: "Steps.", Buckets: []float64{0.1, 1}})
		h.Observe(0.05)
		h.Observe(5)
		err = push.New(url, "my_batch_job").Collector(c).Collector(h).Push()
	case "delete":
		err = push.New(url, "db_backup").Grouping("db", "customers").Delete()
	}
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}
