// Writes to a store as fast as it can and says on standard output what was acknowledged, until it is killed.
// Arguments: the database file, the number of streams.
import Foundation
import MetricModel
import TSDB

let path = CommandLine.arguments[1]
let streamCount = Int(CommandLine.arguments[2]) ?? 1
let clock = ManualClock()
var options = StoreOptions()
options.headSamples = 300
options.headAge = 20_000
options.retention = nil
let store = try TimeSeriesDatabase.open(path: path, options: options, clock: clock)
let start: Timestamp = 1_700_000_000_000

@Sendable func tell(_ line: String) {
    _ = Array((line + "\n").utf8).withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
}

await withTaskGroup(of: Void.self) { group in
    for number in 0..<streamCount {
        group.addTask { @concurrent in
            do {
                let matcher = LabelMatcher("stream", equals: "\(number)")
                let before = try await store.select(SelectRequest(matchers: [matcher], start: .min, end: .max))
                var step = before.first?.timestamps.last.map { ($0 - start) / 1000 + 1 } ?? 0
                let stream = try await store.openStream()
                let series = try await store.resolve(
                    (0..<5).map { Labels(["__name__": "m\($0)", "stream": "\(number)"]) }
                )
                while true {
                    var batch = SampleBatch(stream: step % 7 == 6 ? nil : stream, timestamp: start + step * 1000)
                    batch.series = series
                    batch.values = (0..<5).map { Double(step * Int64($0 + 1)) + 0.25 }
                    let report = try await store.append(batch)
                    if report.appended == 5 { tell("s \(number) \(step)") }
                    try await store.apply([("t", [UInt8(number)], Array("\(step)".utf8))])
                    tell("r \(number) \(step)")
                    if step % 50 == 49 { try await store.maintain(now: start + step * 1000) }
                    step += 1
                }
            } catch {
                tell("e \(error)")
            }
        }
    }
}
