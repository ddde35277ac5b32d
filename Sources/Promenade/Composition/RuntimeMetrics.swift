import MetricModel

/// Figures of the runtime under the names of Go's, as far as they mean the same here. There are neither goroutines nor a
/// garbage collector, and what the process occupies is in `process_resident_memory_bytes`.
enum RuntimeMetrics {
    static var families: [MetricFamily] {
        [
            StackMetrics.gauge("go_threads", "Number of OS threads created.", Double(ProcessEnvironment.threads)),
            StackMetrics.gauge(
                "go_sched_gomaxprocs_threads",
                "The number of operating system threads that execute code simultaneously.",
                Double(ProcessEnvironment.processors)
            ),
        ]
    }
}
