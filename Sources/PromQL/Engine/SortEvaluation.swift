internal import MetricModel

extension Evaluation {
    /// `sort`, `sort_desc`: by value, NaN last. Only instant queries keep the order.
    func sorted(_ vector: SeriesMatrix, isDescending: Bool) throws(PromQLError) -> SeriesMatrix {
        var vector = vector
        vector.histograms = []
        vector.dropEmptyRows()
        guard vector.steps == 1 else { return vector }
        let order = try limits.sorted(0..<vector.rows) { left, right in
            let (a, b) = (vector.values[left], vector.values[right])
            if a.isNaN || b.isNaN { return !a.isNaN }
            return isDescending ? a > b : a < b
        }
        return vector.reordered(order)
    }

    /// `sort_by_label`, `sort_by_label_desc`: by the labels' values in natural order, then by all labels.
    func sortedByLabel(
        _ node: CallExpr,
        _ vector: SeriesMatrix,
        isDescending: Bool
    ) throws(PromQLError) -> SeriesMatrix {
        guard vector.steps == 1 else { return vector }
        let names = node.arguments.dropFirst().compactMap { argument -> String? in
            if case .string(let literal) = argument.unwrapped { literal.value } else { nil }
        }
        let order = try limits.sorted(0..<vector.rows) { left, right in
            for name in names {
                let (a, b) = (vector.labels[left][name] ?? "", vector.labels[right][name] ?? "")
                if a == b { continue }
                return NaturalOrder.precedes(a, b) != isDescending
            }
            return isDescending
                ? vector.labels[right] < vector.labels[left] : vector.labels[left] < vector.labels[right]
        }
        return vector.reordered(order)
    }
}

extension SeriesMatrix {
    /// The rows in another order.
    func reordered(_ order: [Int]) -> SeriesMatrix {
        var result = SeriesMatrix(steps: steps)
        for row in order { result.append(row: row, of: self, labels: labels[row], dropsName: dropsName[row]) }
        return result
    }
}

/// The order in which numbers within texts count by their value.
enum NaturalOrder {
    static func precedes(_ left: String, _ right: String) -> Bool {
        let (a, b) = (chunks(left), chunks(right))
        for index in a.indices {
            if index >= b.count { return false }
            if let x = number(a[index]), let y = number(b[index]) {
                if x != y { return x < y }
            } else if !a[index].elementsEqual(b[index]) {
                return a[index].lexicographicallyPrecedes(b[index])
            }
            if index == a.count - 1 { return true }
            if index == b.count - 1 { return false }
        }
        return false
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private static func chunks(_ text: String) -> [ArraySlice<UInt8>] {
        let bytes = Array(text.utf8)
        var result: [ArraySlice<UInt8>] = []
        var start = 0
        while start < bytes.count {
            var end = start + 1
            while end < bytes.count, isDigit(bytes[end]) == isDigit(bytes[start]) { end += 1 }
            result.append(bytes[start..<end])
            start = end
        }
        return result
    }

    private static func number(_ chunk: ArraySlice<UInt8>) -> Int? {
        guard let first = chunk.first, isDigit(first) else { return nil }
        return Int(String(decoding: chunk, as: UTF8.self))
    }
}
