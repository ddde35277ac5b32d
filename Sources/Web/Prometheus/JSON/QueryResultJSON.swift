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
            for index in 0..<count { series(rows, index, &text) }
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
                if let stretch = piece.stretch { return series(rows, piece.series.lowerBound, stretch, &text) }
                for index in piece.series { series(rows, index, &text) }
            }
        }
        end(&stream.text)
    }

    /// What is written at once: some series, or a stretch of one.
    private struct Piece: Sendable {
        var series: Range<Int>
        var stretch: Stretch?
    }

    /// Some samples of a series, by their positions; its head goes with the first of them, its end with the last.
    private struct Stretch: Sendable {
        var floats: Range<Int>
        var histograms: Range<Int>

        var isEmpty: Bool { floats.isEmpty && histograms.isEmpty }

        /// Nothing yet of what comes after it.
        var following: Stretch {
            Stretch(
                floats: floats.upperBound..<floats.upperBound,
                histograms: histograms.upperBound..<histograms.upperBound
            )
        }
    }

    /// So many numbers of a series are written in one go.
    private static let floatsInStretch = 4096

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
            size += 100 + rows.labels[index].encoded.count
            let (floats, histograms) = (rows.floats(index), rows.histograms(index))
            var stretch = Stretch(
                floats: floats.lowerBound..<floats.lowerBound,
                histograms: histograms.lowerBound..<histograms.lowerBound
            )
            var isCut = false
            func cutIfFull() {
                if size < JSONStream.pieceSize || stretch.isEmpty { return }
                if start < index { pieces.append(Piece(series: start..<index)) }
                // The series goes on in the next piece.
                pieces.append(Piece(series: index..<index + 1, stretch: stretch))
                stretch = stretch.following
                (start, size, isCut) = (index, 0, true)
            }
            while stretch.floats.upperBound < floats.upperBound {
                cutIfFull()
                let end = min(stretch.floats.upperBound + Self.floatsInStretch, floats.upperBound)
                size += 30 * (end - stretch.floats.upperBound)
                stretch.floats = stretch.floats.lowerBound..<end
            }
            for position in histograms {
                cutIfFull()
                size += Self.size(of: rows.histograms[position])
                stretch.histograms = stretch.histograms.lowerBound..<position + 1
            }
            if isCut {
                pieces.append(Piece(series: index..<index + 1, stretch: stretch))
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

    @inline(__always)
    private func begin(_ rows: SeriesRows, _ index: Int, _ text: inout JSONText) {
        if index > 0 { text.raw(",") }
        text.raw("{\"metric\":")
        text.labels(rows.labels[index])
    }

    private func sample(_ rows: SeriesRows, _ index: Int, _ text: inout JSONText) {
        begin(rows, index, &text)
        if let position = rows.floats(index).first {
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

    private func series(_ rows: SeriesRows, _ index: Int, _ text: inout JSONText) {
        series(rows, index, Stretch(floats: rows.floats(index), histograms: rows.histograms(index)), &text)
    }

    private func series(_ rows: SeriesRows, _ index: Int, _ part: Stretch, _ text: inout JSONText) {
        let (floats, histograms) = (rows.floats(index), rows.histograms(index))
        if part.floats.lowerBound == floats.lowerBound, part.histograms.lowerBound == histograms.lowerBound {
            begin(rows, index, &text)
        }
        if !part.floats.isEmpty {
            text.raw(part.floats.lowerBound == floats.lowerBound ? ",\"values\":[" : ",")
            rows.timestamps.withUnsafeBufferPointer { times in
                rows.values.withUnsafeBufferPointer { values in
                    text.samples(
                        UnsafeBufferPointer(rebasing: times[part.floats]),
                        UnsafeBufferPointer(rebasing: values[part.floats])
                    )
                }
            }
            if part.floats.upperBound == floats.upperBound { text.raw("]") }
        }
        for position in part.histograms {
            text.raw(position == histograms.lowerBound ? ",\"histograms\":[" : ",")
            text.raw("[")
            text.timestamp(rows.histogramTimestamps[position])
            text.raw(",")
            text.histogram(rows.histograms[position])
            text.raw(position == histograms.upperBound - 1 ? "]]" : "]")
        }
        if part.floats.upperBound == floats.upperBound, part.histograms.upperBound == histograms.upperBound {
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
