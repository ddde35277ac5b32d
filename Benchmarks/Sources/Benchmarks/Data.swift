import MetricModel

/// Two thousand series as of twenty servers: counters with integers and with two decimals, histograms, gauges, constants.
struct BenchmarkData {
    /// A source of numbers that are the same each time.
    private struct Numbers {
        var state: UInt64 = 42
        mutating func next(_ limit: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(limit))
        }
    }

    private enum Kind { case counter, decimals, bucket(Int), gauge, constant }

    static let step: Timestamp = 15_000
    /// When the data end.
    let end: Timestamp = 1_700_086_400_000
    /// How many samples a series has.
    let count: Int
    private(set) var labels: [Labels] = []
    private var kinds: [Kind] = []
    private var values: [Double] = []
    private var numbers = Numbers()

    init(hours: Int) {
        count = hours * 240
        for server in 0..<20 {
            let instance = Label(name: "instance", value: "10.0.0.\(server + 1):9100")
            func add(_ name: String, _ own: [(String, String)], _ kind: Kind) {
                var all = [Label(name: "__name__", value: name), instance, Label(name: "job", value: "node")]
                all += own.map { Label(name: $0.0, value: $0.1) }
                labels.append(Labels(all))
                kinds.append(kind)
            }
            let handlers = [
                "/api/v1/query", "/api/v1/series", "/api/v2/alerts", "/login", "/logout", "/", "/metrics", "/graph",
                "/x", "/y",
            ]
            for handler in handlers {
                for code in ["200", "201", "302", "404", "500"] {
                    add("http_requests_total", [("handler", handler), ("code", code)], .counter)
                }
            }
            for handler in ["/login", "/api/v1/query"] {
                for (index, bound) in [
                    "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "25", "100", "+Inf",
                ].enumerated() {
                    add("http_request_duration_seconds_bucket", [("handler", handler), ("le", bound)], .bucket(index))
                }
            }
            for sensor in 0..<12 { add("node_hwmon_temp_celsius", [("sensor", "temp\(sensor)")], .gauge) }
            for index in 0..<5 { add("node_filesystem_size_bytes", [("device", "sd\(index)")], .constant) }
            for index in 0..<5 { add("node_cpu_seconds_total", [("cpu", "\(index)")], .decimals) }
        }
        values = labels.indices.map { Double($0 % 97) }
    }

    /// The values of all series one step later.
    mutating func next() -> [Double] {
        for index in values.indices {
            switch kinds[index] {
            case .counter: values[index] += Double(numbers.next(20))
            case .decimals: values[index] = ((values[index] + Double(numbers.next(300)) / 100) * 100).rounded() / 100
            case .bucket(let bound): values[index] += Double(numbers.next(3) * (bound + 1) / 4)
            case .gauge: values[index] = ((values[index] + Double(numbers.next(101) - 50) / 100) * 100).rounded() / 100
            case .constant: break
            }
        }
        return values
    }

    /// The series as a target exposes them.
    mutating func exposition() -> String {
        var text = ""
        for (labels, value) in zip(labels, next()) {
            let own = labels.filter { $0.name != "__name__" }.map { "\($0.name)=\"\($0.value)\"" }
            text += "\(labels.name){\(own.joined(separator: ","))} \(value)\n"
        }
        return text
    }
}
