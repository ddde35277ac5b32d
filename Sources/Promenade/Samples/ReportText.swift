public import TSDB

/// A report about a database as a person reads it.
public struct ReportText {
    /// The lines.
    public private(set) var text = ""

    /// The text of a report, with so many metrics.
    public init(_ report: StorageReport, limit: Int) {
        let all = report.blockSamples + Int64(report.headSamples)
        text += "series            \(report.series)\n"
        text += "samples           \(all)"
        text += report.headSamples > 0 ? ", \(report.headSamples) of them not in a block yet\n" : "\n"
        if let range = report.timeRange {
            text += "from, to (ms)     \(range.lowerBound), \(range.upperBound)\n"
        }
        text += "bytes of files    \(report.fileBytes)" + Self.share(report.fileBytes, all) + "\n"
        table(
            "codec",
            report.codecs.map { ($0.name, [Int64($0.chunks), $0.samples, $0.bytes], $0.samples) }
                + [("timestamps", [0, 0, report.timelineBytes], 0), ("headers", [0, 0, report.headerBytes], 0)],
            ["chunks", "samples", "bytes", "per sample"]
        )
        table(
            "metric",
            report.metrics.prefix(limit).map { ($0.name, [Int64($0.series), $0.samples, $0.bytes], $0.samples) },
            ["series", "samples", "bytes", "per sample"]
        )
        table(
            "block",
            report.blocks.map {
                ("\($0.id), level \($0.level)", [Int64($0.series), $0.samples, $0.bytes], $0.samples)
            },
            ["series", "samples", "bytes", "per sample"]
        )
    }

    private mutating func table(_ title: String, _ rows: [(String, [Int64], Int64)], _ columns: [String]) {
        guard !rows.isEmpty else { return }
        let cells =
            [[title] + columns]
            + rows.map { name, numbers, samples in
                [name] + numbers.map { $0 == 0 ? "-" : "\($0)" } + [Self.ratio(numbers[numbers.count - 1], samples)]
            }
        let widths = cells[0].indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
        text += "\n"
        for row in cells {
            var line = ""
            for (column, cell) in row.enumerated() {
                let filling = String(repeating: " ", count: widths[column] - cell.count)
                line += column == 0 ? cell + filling : "  " + filling + cell
            }
            text += line + "\n"
        }
    }

    private static func share(_ bytes: Int64, _ samples: Int64) -> String {
        samples == 0 ? "" : ", \(ratio(bytes, samples)) a sample"
    }

    /// A ratio with three decimals.
    private static func ratio(_ bytes: Int64, _ samples: Int64) -> String {
        guard samples > 0 else { return "-" }
        let thousandths = Int64((Double(bytes) / Double(samples) * 1000).rounded())
        let rest = String(thousandths % 1000)
        return "\(thousandths / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
    }
}
