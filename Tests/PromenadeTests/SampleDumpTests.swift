import Foundation
import MetricModel
import Promenade
import TSDB
import Testing

/// Samples out of a database and into another one.
@Suite(.timeLimit(.minutes(5))) struct SampleDumpTests {
    private static let time: Timestamp = 1_700_000_000_003

    private func withStore(_ body: (TimeSeriesDatabase, String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "dump-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try TimeSeriesDatabase.open(path: folder + "/stack.db", clock: ManualClock(now: Self.time))
        let series = try await store.resolve([
            ["__name__": "up", "job": "a,\"b\"\n\\"], ["__name__": "x:y"], ["__name__": "naïve name", "le gen": "1"],
            ["__name__": "h"],
        ])
        for step in 0..<3 {
            var batch = SampleBatch(timestamp: Self.time + Int64(step) * 997)
            batch.series = Array(series[..<3])
            batch.values = [Double(step), step == 2 ? SpecialValue.stale : 0.1, step == 0 ? -.infinity : 1e300]
            if step == 0 {
                batch.histograms = [.init(series: series[3], timestamp: Self.time, histogram: NativeHistogram())]
            }
            _ = try await store.append(batch)
        }
        try await body(store, folder)
        try await store.close()
    }

    private func printed(_ store: TimeSeriesDatabase, _ format: SampleDump.Format) async throws -> (
        text: String, dump: SampleDump
    ) {
        var text: [UInt8] = []
        var cursor = try await store.cursor()
        var dump = SampleDump(format: format) { bytes in
            text += bytes
            return true
        }
        while let some = try cursor.next() { for columns in some { _ = dump.series(columns) } }
        dump.finish()
        return (String(decoding: text, as: UTF8.self), dump)
    }

    @Test func `each form has a line for each sample`() async throws {
        try await withStore { store, _ in
            let openMetrics = try await printed(store, .openmetrics)
            #expect(
                openMetrics.text == """
                    {"naïve name","le gen"="1"} -Inf 1700000000.003
                    {"naïve name","le gen"="1"} 1e+300 1700000001
                    {"naïve name","le gen"="1"} 1e+300 1700000001.997
                    up{job="a,\\"b\\"\\n\\\\"} 0 1700000000.003
                    up{job="a,\\"b\\"\\n\\\\"} 1 1700000001
                    up{job="a,\\"b\\"\\n\\\\"} 2 1700000001.997
                    x:y 0.1 1700000000.003
                    x:y 0.1 1700000001
                    # EOF

                    """
            )
            #expect(openMetrics.dump.samples == 8 && openMetrics.dump.histogramsLeftOut == 1)
            let csv = try await printed(store, .csv).text.split(separator: "\r\n")
            #expect(csv.count == 9 && csv[0] == "name,labels,ts,value")
            #expect(csv[4] == "up,\"{job=\"\"a,\\\"\"b\\\"\"\\n\\\\\"\"}\",1700000000003,0")
            #expect(csv[7] == "x:y,,1700000000003,0.1")
            let promtool = try await printed(store, .promtool)
            let lines = promtool.text.split(separator: "\n")
            #expect(lines.count == 10 && lines[9] == "{__name__=\"x:y\"} NaN 1700000001997")
            #expect(lines[0] == "{__name__=\"h\"} {count:0, sum:0} 1700000000003")
            #expect(promtool.dump.samples == 10 && promtool.dump.histogramsLeftOut == 0)
        }
    }

    @Test func `native histograms are printed as promtool prints them, among values in the order of time`() {
        var histogram = NativeHistogram()
        histogram.isInteger = true
        (histogram.count, histogram.sum, histogram.schema) = (3_000_004, -1.5e-7, 1)
        (histogram.zeroThreshold, histogram.zeroCount) = (1e-128, 2)
        histogram.positiveSpans = [.init(offset: 0, length: 2), .init(offset: 1, length: 1)]
        histogram.positiveBuckets = [3_000_000, 0, 1]
        histogram.negativeSpans = [.init(offset: 1, length: 1)]
        histogram.negativeBuckets = [1]
        var floating = histogram
        floating.isInteger = false
        var stale = NativeHistogram()
        stale.sum = SpecialValue.stale
        var columns = SeriesColumns(labels: ["__name__": "h"], timestamps: [1, 3], values: [7, SpecialValue.stale])
        columns.histogramTimestamps = [2, 4, 5]
        columns.histograms = [histogram, floating, stale]
        var text: [UInt8] = []
        var dump = SampleDump(format: .promtool) { bytes in
            text += bytes
            return true
        }
        let isRead = dump.series(columns)
        dump.finish()
        #expect(isRead)
        let buckets = "[-1.414213562373095,-1):1, [-1e-128,1e-128]:2, (0.7071067811865475,1]"
        #expect(
            String(decoding: text, as: UTF8.self) == """
                {__name__="h"} 7 1
                {__name__="h"} {count:3000004, sum:-1.5e-07, \(buckets):3000000, (2,2.82842712474619]:1} 2
                {__name__="h"} NaN 3
                {__name__="h"} {count:3.000004e+06, sum:-1.5e-07, \(buckets):3e+06, (2,2.82842712474619]:1} 4
                {__name__="h"} {count:0, sum:NaN} 5

                """
        )
    }

    @Test func `what is printed as OpenMetrics comes back by importing it`() async throws {
        try await withStore { store, folder in
            let text = "# TYPE up gauge\n# HELP up Is it?\n" + (try await printed(store, .openmetrics).text)
            let copy = try TimeSeriesDatabase.open(path: folder + "/copy.db", clock: ManualClock(now: Self.time))
            let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 8)
            defer { bytes.deallocate() }
            bytes.copyBytes(from: text.utf8)
            var loader = OpenMetricsLoader(UnsafeRawBufferPointer(bytes), name: "file", importer: try copy.importer())
            while try await loader.step() {}
            #expect(loader.families["up"] == MetricMetadata(type: .gauge, help: "Is it?", unit: ""))
            let summary = try await loader.finish()
            #expect(summary.samples == 8 && summary.series == 3)
            #expect(try await printed(copy, .openmetrics).text == (try await printed(store, .openmetrics).text))
            let report = ReportText(try await copy.report(), limit: 2).text
            for part in ["series            3\n", "samples           8\n", "bit patterns", "metric"] {
                #expect(report.contains(part), "\(report)")
            }
            try await copy.close()
        }
    }

    @Test func `what cannot be imported is told with file and line`() async throws {
        let cases: [(String, String)] = [
            ("a 1 1\nb{x=\"1\"} 2\n# EOF\n", #"file:2: expected timestamp for series {__name__="b", x="1"}, got none"#),
            (
                "a 1 1\na 1 2\nb{ 1 2\n# EOF\n",
                #"file:3: expected label name, got " " ("INVALID") while parsing: "b{ ""#
            ),
            ("a 1 1\na 1 2\n", "file:2: data does not end with # EOF"),
            ("", "file:1: data does not end with # EOF"),
            (
                "a 1 1\na 1 2\na 1 1e12\na 1 4\n# EOF\n",
                "file:3: the time 1000000000000000 (in milliseconds) of a sample is in no year from 1 to 9999"
            ),
            (
                #"a{b="1",b="2"} 1 1"# + "\n# EOF\n",
                #"file:1: label name "b" is not unique: invalid sample {__name__="a", b="1", b="2"}"#
            ),
        ]
        try await withStore { store, _ in
            for (text, wanted) in cases {
                let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 8)
                defer { bytes.deallocate() }
                bytes.copyBytes(from: text.utf8)
                var loader = OpenMetricsLoader(
                    UnsafeRawBufferPointer(bytes),
                    name: "file",
                    importer: try store.importer()
                )
                var message = ""
                do { while try await loader.step() {} } catch { message = "\(error)" }
                #expect(message == wanted)
            }
        }
    }
}
