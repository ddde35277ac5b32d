public import MetricModel
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The process's own figures under the names that all client libraries use (`process_cpu_seconds_total` and so on).
///
/// Read from `/proc` on Linux, once a second at most; elsewhere what the C library tells. What the system does not tell is left
/// out.
public final class ProcessCollector: MetricCollector {
    private struct Reading {
        var families: [MetricFamily]
        var validUntil: Int64
    }

    private let startTime: Double?
    private let clock: any StackClock
    /// What was read last.
    private let last = Mutex<Reading?>(nil)

    /// How long a reading holds, in nanoseconds.
    private static let validity: Int64 = 1_000_000_000

    /// A collector for this process.
    public init(clock: any StackClock = SystemClock()) {
        self.clock = clock
        startTime = ProcessFigures.startTime()
    }

    /// The families it can answer.
    public var descriptors: [MetricDescriptor] {
        Self.known.map { MetricDescriptor(name: $0.name, help: $0.help, type: $0.type) }
    }

    /// The figures now, or those of less than a second ago.
    public func collect() -> [MetricFamily] {
        last.withLock { last in
            let now = clock.steadyNanoseconds
            if let last, now < last.validUntil { return last.families }
            let families = read()
            last = Reading(families: families, validUntil: now + Self.validity)
            return families
        }
    }

    private func read() -> [MetricFamily] {
        let figures = ProcessFigures.read()
        return Self.known.compactMap { row in
            guard let value = row.name == "process_start_time_seconds" ? startTime : row.value(figures) else {
                return nil
            }
            let sample: MetricFamily.Value = row.type == .counter ? .counter(value) : .gauge(value)
            return MetricFamily(name: row.name, help: row.help, type: row.type, metrics: [.init(value: sample)])
        }
    }

    private struct Row: Sendable {
        var name: String
        var help: String
        var type: MetricType
        var value: @Sendable (ProcessFigures) -> Double?
    }

    private static let known: [Row] = [
        Row(
            name: "process_cpu_seconds_total",
            help: "Total user and system CPU time spent in seconds.",
            type: .counter,
            value: \.cpuSeconds
        ),
        Row(
            name: "process_max_fds",
            help: "Maximum number of open file descriptors.",
            type: .gauge,
            value: \.maximumDescriptors
        ),
        Row(
            name: "process_network_receive_bytes_total",
            help: "Number of bytes received by the process over the network.",
            type: .counter,
            value: \.receivedBytes
        ),
        Row(
            name: "process_network_transmit_bytes_total",
            help: "Number of bytes sent by the process over the network.",
            type: .counter,
            value: \.sentBytes
        ),
        Row(name: "process_open_fds", help: "Number of open file descriptors.", type: .gauge, value: \.openDescriptors),
        Row(
            name: "process_resident_memory_bytes",
            help: "Resident memory size in bytes.",
            type: .gauge,
            value: \.residentBytes
        ),
        Row(
            name: "process_start_time_seconds",
            help: "Start time of the process since unix epoch in seconds.",
            type: .gauge,
            value: { _ in nil }
        ),
        Row(
            name: "process_virtual_memory_bytes",
            help: "Virtual memory size in bytes.",
            type: .gauge,
            value: \.virtualBytes
        ),
        Row(
            name: "process_virtual_memory_max_bytes",
            help: "Maximum amount of virtual memory available in bytes.",
            type: .gauge,
            value: \.maximumVirtualBytes
        ),
    ]
}

/// What the system tells about this process.
struct ProcessFigures: Sendable {
    var cpuSeconds: Double?
    var openDescriptors: Double?
    var maximumDescriptors: Double?
    var virtualBytes: Double?
    var maximumVirtualBytes: Double?
    var residentBytes: Double?
    var receivedBytes: Double?
    var sentBytes: Double?

    static func read() -> ProcessFigures {
        var figures = ProcessFigures()
        figures.maximumDescriptors = limit(descriptorLimit)
        figures.maximumVirtualBytes = limit(addressSpaceLimit)
        #if canImport(Darwin)
            var usage = rusage()
            if getrusage(RUSAGE_SELF, &usage) == 0 {
                func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
                figures.cpuSeconds = seconds(usage.ru_utime) + seconds(usage.ru_stime)
            }
        #else
            if let fields = statFields(), fields.count > 21 {
                let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
                if let user = Double(fields[11]), let system = Double(fields[12]) {
                    figures.cpuSeconds = (user + system) / ticks
                }
                figures.virtualBytes = Double(fields[20])
                figures.residentBytes = Double(fields[21]).map { $0 * Double(sysconf(Int32(_SC_PAGESIZE))) }
            }
            figures.openDescriptors = countDescriptors()
            (figures.receivedBytes, figures.sentBytes) = networkBytes()
        #endif
        return figures
    }

    /// When the process started, in seconds since 1970.
    static func startTime() -> Double? {
        #if canImport(Darwin)
            return nil
        #else
            guard let fields = statFields(), fields.count > 19, let ticks = Double(fields[19]),
                let boot = file("/proc/stat")?.split(separator: "\n").first(where: { $0.hasPrefix("btime ") }),
                let seconds = Double(boot.dropFirst(6))
            else { return nil }
            return seconds + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
        #endif
    }

    #if canImport(Darwin)
        private static let descriptorLimit = RLIMIT_NOFILE
        private static let addressSpaceLimit = RLIMIT_AS
        private static func limit(_ resource: Int32) -> Double? {
            var value = rlimit()
            return getrlimit(resource, &value) == 0 ? Double(value.rlim_cur) : nil
        }
    #else
        private static let descriptorLimit = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        private static let addressSpaceLimit = __rlimit_resource_t(RLIMIT_AS.rawValue)
        private static func limit(_ resource: __rlimit_resource_t) -> Double? {
            var value = rlimit()
            return getrlimit(resource, &value) == 0 ? Double(value.rlim_cur) : nil
        }

        /// The fields of `/proc/self/stat` behind the program's name: the state is the first.
        private static func statFields() -> [Substring]? {
            guard let text = file("/proc/self/stat"), let end = text.lastIndex(of: ")") else { return nil }
            return text[text.index(after: end)...].split(separator: " ")
        }

        private static func countDescriptors() -> Double? {
            guard let folder = opendir("/proc/self/fd") else { return nil }
            defer { closedir(folder) }
            var count = 0
            while readdir(folder) != nil { count += 1 }
            // Without `.`, `..` and the folder that is being read.
            return Double(max(0, count - 3))
        }

        private static func networkBytes() -> (Double?, Double?) {
            guard let lines = file("/proc/self/net/netstat")?.split(separator: "\n") else { return (nil, nil) }
            let rows = lines.filter { $0.hasPrefix("IpExt:") }.map { $0.split(separator: " ") }
            guard rows.count == 2 else { return (nil, nil) }
            func value(_ name: String) -> Double? {
                rows[0].firstIndex { $0 == name }.flatMap { $0 < rows[1].count ? Double(rows[1][$0]) : nil }
            }
            return (value("InOctets"), value("OutOctets"))
        }

        private static func file(_ path: String) -> String? {
            let descriptor = open(path, O_RDONLY)
            guard descriptor >= 0 else { return nil }
            defer { close(descriptor) }
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 16384)
            while true {
                let count = Glibc.read(descriptor, &buffer, buffer.count)
                guard count > 0 else { break }
                bytes += buffer[..<count]
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    #endif
}
