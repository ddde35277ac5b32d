import MetricModel
import PromQL

/// Writes a query's result as the data of an answer.
struct QueryResultJSON: Sendable {
    let result: QueryResult
    /// How many series are written.
    let count: Int
    /// Whether figures about the work follow.
    let withStatistics: Bool

    /// Whether it is better written at once.
    var isShort: Bool {
        switch result.value {
        case .scalar, .string: true
        case .vector(let rows), .matrix(let rows):
            rows.values.count + rows.histograms.count * 20 + rows.count * 4 < 4096
                && rows.labels.prefix(count).reduce(0, { $0 + $1.encoded.count }) < 4 * JSONStream.pieceSize
                && rows.histograms.reduce(0, { $0 + Self.size(of: $1) }) < 4 * JSONStream.pieceSize
        }
    }

    /// Writes all of it.
    func write(to text: inout JSONText) {
        begin(&text)
        switch result.value {
        case .scalar(let value, let time): write(JSONSample(value), at: time, to: &text)
        case .string(let value, let time): write(value, at: time, to: &text)
        case .vector(let rows):
            text.raw("[")
            for index in 0..<count { sample(rows, index, &text) }
            text.raw("]")
        case .matrix(let rows):
            text.raw("[")
            for index in 0..<count { series(rows, index, rows.histograms(index), &text) }
            text.raw("]")
        }
        end(&text)
    }

    private func write(_ value: some JSONWritable, at time: Timestamp, to text: inout JSONText) {
        text.raw("[")
        // Not in the form of samples' times: Go's encoder writes it as any number.
        text.number(Double(time) / 1000)
        text.raw(",")
        value.write(to: &text)
        text.raw("]")
    }

    /// Writes it piece by piece; while one piece goes out, the next ones are made.
    @concurrent
    func write(to stream: inout JSONStream) async throws {
        begin(&stream.text)
        switch result.value {
        case .scalar, .string: break
        case .vector(let rows):
            try await stream.array(pieces(of: rows)) { piece, text in
                for index in piece.series { sample(rows, index, &text) }
            }
        case .matrix(let rows):
            try await stream.array(pieces(of: rows)) { piece, text in
                for index in piece.series { series(rows, index, piece.histograms ?? rows.histograms(index), &text) }
            }
        }
        end(&stream.text)
    }

    /// What is written at once: some series, or a stretch of the histograms of one.
    private struct Piece: Sendable {
        var series: Range<Int>
        var histograms: Range<Int>?
    }

    /// About how many bytes a histogram is in JSON; it may have 100,000 buckets.
    private static func size(of histogram: NativeHistogram) -> Int {
        256 + 48 * (histogram.positiveBuckets.count + histogram.negativeBuckets.count)
    }

    /// Pieces that are each about as long in JSON.
    private func pieces(of rows: SeriesRows) -> [Piece] {
        var pieces: [Piece] = []
        var start = 0
        var size = 0
        for index in 0..<count {
            size += 100 + 30 * rows.floats(index).count + rows.labels[index].encoded.count
            let histograms = rows.histograms(index)
            var first = histograms.lowerBound
            for position in histograms {
                size += Self.size(of: rows.histograms[position])
                if size < JSONStream.pieceSize || position == histograms.upperBound - 1 { continue }
                if start < index { pieces.append(Piece(series: start..<index)) }
                // The series goes on in the next piece.
                pieces.append(Piece(series: index..<index + 1, histograms: first..<position + 1))
                (first, start, size) = (position + 1, index, 0)
            }
            if first > histograms.lowerBound {
                pieces.append(Piece(series: index..<index + 1, histograms: first..<histograms.upperBound))
                (start, size) = (index + 1, 0)
            } else if size >= JSONStream.pieceSize || index == count - 1 {
                pieces.append(Piece(series: start..<index + 1))
                (start, size) = (index + 1, 0)
            }
        }
        return pieces
    }

    private func begin(_ text: inout JSONText) {
        text.raw("{\"resultType\":")
        text.string(result.value.type.rawValue)
        text.raw(",\"result\":")
    }

    private func end(_ text: inout JSONText) {
        if withStatistics {
            text.raw(",\"stats\":")
            statistics(result.statistics, &text)
        }
        text.raw("}")
    }

    /// - Returns: where the series' floats are.
    @inline(__always)
    private func begin(_ rows: SeriesRows, _ index: Int, _ text: inout JSONText) -> Range<Int> {
        if index > 0 { text.raw(",") }
        text.raw("{\"metric\":")
        text.labels(rows.labels[index])
        return rows.floats(index)
    }

    private func sample(_ rows: SeriesRows, _ index: Int, _ text: inout JSONText) {
        let floats = begin(rows, index, &text)
        if let position = floats.first {
            text.raw(",\"value\":[")
            text.timestamp(rows.timestamps[position])
            text.raw(",")
            text.value(rows.values[position])
        } else if let position = rows.histograms(index).first {
            text.raw(",\"histogram\":[")
            text.timestamp(rows.histogramTimestamps[position])
            text.raw(",")
            text.histogram(rows.histograms[position])
        }
        text.raw("]}")
    }

    /// Writes a series, or of one with many histograms those that are given: its head with the first of them, its end with the last.
    private func series(_ rows: SeriesRows, _ index: Int, _ part: Range<Int>, _ text: inout JSONText) {
        let histograms = rows.histograms(index)
        if part.lowerBound == histograms.lowerBound {
            let floats = begin(rows, index, &text)
            if !floats.isEmpty {
                text.raw(",\"values\":[")
                rows.timestamps.withUnsafeBufferPointer { times in
                    rows.values.withUnsafeBufferPointer { values in
                        text.samples(
                            UnsafeBufferPointer(rebasing: times[floats]),
                            UnsafeBufferPointer(rebasing: values[floats])
                        )
                    }
                }
                text.raw("]")
            }
            if !histograms.isEmpty { text.raw(",\"histograms\":[") }
        }
        for position in part {
            if position > histograms.lowerBound { text.raw(",") }
            text.raw("[")
            text.timestamp(rows.histogramTimestamps[position])
            text.raw(",")
            text.histogram(rows.histograms[position])
            text.raw("]")
        }
        if part.upperBound == histograms.upperBound {
            if !histograms.isEmpty { text.raw("]") }
            text.raw("}")
        }
    }

    private func statistics(_ figures: QueryStatistics, _ text: inout JSONText) {
        text.raw("{\"timings\":{\"evalTotalTime\":")
        text.number(figures.evaluationTotal)
        text.raw(",\"resultSortTime\":")
        text.number(figures.resultSort)
        text.raw(",\"queryPreparationTime\":")
        text.number(figures.preparation)
        text.raw(",\"innerEvalTime\":")
        text.number(figures.innerEvaluation)
        text.raw(",\"execQueueTime\":")
        text.number(figures.queue)
        text.raw(",\"execTotalTime\":")
        text.number(figures.executionTotal)
        text.raw("},\"samples\":{")
        steps("totalQueryableSamplesPerStep", figures.totalSamplesPerStep, &text)
        text.raw("\"totalQueryableSamples\":")
        text.integer(figures.totalSamples)
        text.raw(",")
        steps("samplesReadPerStep", figures.samplesReadPerStep, &text)
        text.raw("\"samplesRead\":")
        text.integer(figures.samplesRead)
        text.raw(",\"peakSamples\":")
        text.integer(figures.peakSamples)
        text.raw("}}")
    }

    private func steps(_ name: StaticString, _ counts: [QueryStatistics.StepCount], _ text: inout JSONText) {
        guard !counts.isEmpty else { return }
        text.field(name, isFirst: true)
        text.raw("[")
        for (index, count) in counts.enumerated() {
            if index > 0 { text.raw(",") }
            text.raw("[")
            text.number(Double(count.timestamp) / 1000)
            text.raw(",")
            text.integer(count.count)
            text.raw("]")
        }
        text.raw("],")
    }
}

extension JSONText {
    /// A native histogram: count, sum and the buckets that are not empty.
    mutating func histogram(_ histogram: NativeHistogram) {
        raw("{\"count\":")
        value(histogram.count)
        raw(",\"sum\":")
        value(histogram.sum)
        var isFirst = true
        for bucket in histogram.allBuckets where bucket.count != 0 {
            isFirst ? raw(",\"buckets\":[") : raw(",")
            isFirst = false
            raw("[")
            integer(bucket.lowerInclusive ? (bucket.upperInclusive ? 3 : 1) : (bucket.upperInclusive ? 0 : 2))
            raw(",")
            value(bucket.lower)
            raw(",")
            value(bucket.upper)
            raw(",")
            value(bucket.count)
            raw("]")
        }
        if !isFirst { raw("]") }
        raw("}")
    }
}
