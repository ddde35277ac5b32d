import MetricModel

/// Families that a Go program exposes about its runtime. The original Pushgateway has them, so it refuses pushes that give them
/// another type, and shows its own help for them; clients written in Go push them with their default registry. This program does
/// not expose them itself, but answers such pushes alike.
enum GoRuntimeFamilies {
    /// Name, type and help of each.
    static let all: [(name: String, type: MetricType, help: String)] = [
        (
            "go_gc_duration_seconds",
            .summary,
            "A summary of the wall-time pause (stop-the-world) duration in garbage collection cycles."
        ),
        (
            "go_gc_gogc_percent",
            .gauge,
            "Heap size target percentage configured by the user, otherwise 100. This value is set by the "
                + "GOGC environment variable, and the runtime/debug.SetGCPercent function. Sourced from "
                + "/gc/gogc:percent."
        ),
        (
            "go_gc_gomemlimit_bytes",
            .gauge,
            "Go runtime memory limit configured by the user, otherwise math.MaxInt64. This value is set by "
                + "the GOMEMLIMIT environment variable, and the runtime/debug.SetMemoryLimit function. Sourced "
                + "from /gc/gomemlimit:bytes."
        ),
        ("go_goroutines", .gauge, "Number of goroutines that currently exist."),
        ("go_info", .gauge, "Information about the Go environment."),
        (
            "go_memstats_alloc_bytes",
            .gauge,
            "Number of bytes allocated in heap and currently in use. Equals to "
                + "/memory/classes/heap/objects:bytes."
        ),
        (
            "go_memstats_alloc_bytes_total",
            .counter,
            "Total number of bytes allocated in heap until now, even if released already. Equals to "
                + "/gc/heap/allocs:bytes."
        ),
        (
            "go_memstats_buck_hash_sys_bytes",
            .gauge,
            "Number of bytes used by the profiling bucket hash table. Equals to "
                + "/memory/classes/profiling/buckets:bytes."
        ),
        (
            "go_memstats_frees_total",
            .counter,
            "Total number of heap objects frees. Equals to /gc/heap/frees:objects + "
                + "/gc/heap/tiny/allocs:objects."
        ),
        (
            "go_memstats_gc_sys_bytes",
            .gauge,
            "Number of bytes used for garbage collection system metadata. Equals to "
                + "/memory/classes/metadata/other:bytes."
        ),
        (
            "go_memstats_heap_alloc_bytes",
            .gauge,
            "Number of heap bytes allocated and currently in use, same as go_memstats_alloc_bytes. Equals "
                + "to /memory/classes/heap/objects:bytes."
        ),
        (
            "go_memstats_heap_idle_bytes",
            .gauge,
            "Number of heap bytes waiting to be used. Equals to /memory/classes/heap/released:bytes + "
                + "/memory/classes/heap/free:bytes."
        ),
        (
            "go_memstats_heap_inuse_bytes",
            .gauge,
            "Number of heap bytes that are in use. Equals to /memory/classes/heap/objects:bytes + "
                + "/memory/classes/heap/unused:bytes"
        ),
        (
            "go_memstats_heap_objects",
            .gauge,
            "Number of currently allocated objects. Equals to /gc/heap/objects:objects."
        ),
        (
            "go_memstats_heap_released_bytes",
            .gauge,
            "Number of heap bytes released to OS. Equals to /memory/classes/heap/released:bytes."
        ),
        (
            "go_memstats_heap_sys_bytes",
            .gauge,
            "Number of heap bytes obtained from system. Equals to /memory/classes/heap/objects:bytes + "
                + "/memory/classes/heap/unused:bytes + /memory/classes/heap/released:bytes + "
                + "/memory/classes/heap/free:bytes."
        ),
        ("go_memstats_last_gc_time_seconds", .gauge, "Number of seconds since 1970 of last garbage collection."),
        (
            "go_memstats_mallocs_total",
            .counter,
            "Total number of heap objects allocated, both live and gc-ed. Semantically a counter version "
                + "for go_memstats_heap_objects gauge. Equals to /gc/heap/allocs:objects + "
                + "/gc/heap/tiny/allocs:objects."
        ),
        (
            "go_memstats_mcache_inuse_bytes",
            .gauge,
            "Number of bytes in use by mcache structures. Equals to "
                + "/memory/classes/metadata/mcache/inuse:bytes."
        ),
        (
            "go_memstats_mcache_sys_bytes",
            .gauge,
            "Number of bytes used for mcache structures obtained from system. Equals to "
                + "/memory/classes/metadata/mcache/inuse:bytes + /memory/classes/metadata/mcache/free:bytes."
        ),
        (
            "go_memstats_mspan_inuse_bytes",
            .gauge,
            "Number of bytes in use by mspan structures. Equals to "
                + "/memory/classes/metadata/mspan/inuse:bytes."
        ),
        (
            "go_memstats_mspan_sys_bytes",
            .gauge,
            "Number of bytes used for mspan structures obtained from system. Equals to "
                + "/memory/classes/metadata/mspan/inuse:bytes + /memory/classes/metadata/mspan/free:bytes."
        ),
        (
            "go_memstats_next_gc_bytes",
            .gauge,
            "Number of heap bytes when next garbage collection will take place. Equals to "
                + "/gc/heap/goal:bytes."
        ),
        (
            "go_memstats_other_sys_bytes",
            .gauge,
            "Number of bytes used for other system allocations. Equals to /memory/classes/other:bytes."
        ),
        (
            "go_memstats_stack_inuse_bytes",
            .gauge,
            "Number of bytes obtained from system for stack allocator in non-CGO environments. Equals to "
                + "/memory/classes/heap/stacks:bytes."
        ),
        (
            "go_memstats_stack_sys_bytes",
            .gauge,
            "Number of bytes obtained from system for stack allocator. Equals to "
                + "/memory/classes/heap/stacks:bytes + /memory/classes/os-stacks:bytes."
        ),
        (
            "go_memstats_sys_bytes",
            .gauge,
            "Number of bytes obtained from system. Equals to /memory/classes/total:byte."
        ),
        (
            "go_sched_gomaxprocs_threads",
            .gauge,
            "The current runtime.GOMAXPROCS setting, or the number of operating system threads that can "
                + "execute user-level Go code simultaneously. Sourced from /sched/gomaxprocs:threads."
        ),
        ("go_threads", .gauge, "Number of OS threads created."),
    ]
}
