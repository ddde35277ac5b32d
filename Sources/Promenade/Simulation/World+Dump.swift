package import MetricModel

extension World {
    /// All samples as `tsdb dump --format promtool` prints them, sorted by labels.
    package func dump() async throws(StorageError) -> [UInt8] {
        let everything = SelectRequest(matchers: [], start: .min, end: .max)
        let columns = try await stack.store.select(everything).sorted { $0.labels < $1.labels }
        var text: [UInt8] = []
        var dump = SampleDump(format: .promtool) { piece in
            text += piece
            return true
        }
        for series in columns where !dump.series(series) { break }
        dump.finish()
        return text
    }
}
