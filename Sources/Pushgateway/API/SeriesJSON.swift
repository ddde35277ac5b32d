import MetricModel

/// Metrics of one value in JSON, made from their lines in the text format without taking them apart into labels: both write
/// labels in the same order and values in the same way.
enum SeriesJSON {
    /// Appends `{"labels":{…},"value":"…"}` for each metric, with commas between.
    /// - Returns: whether that is possible; if not, something may have been appended all the same.
    static func append(_ family: PushedFamily, to json: inout [UInt8]) -> Bool {
        guard family.protobuf == nil else { return false }
        switch family.type {
        case .counter, .gauge, .unknown: break
        case .histogram, .gaugehistogram, .summary, .info, .stateset: return false
        }
        return family.text.withUnsafeBufferPointer { text in
            for index in 0..<family.series.count {
                if index > 0 { json.append(UInt8(ascii: ",")) }
                guard append(UnsafeBufferPointer(rebasing: text[family.textRange(index)]), to: &json) else {
                    return false
                }
            }
            return true
        }
    }

    /// `name{a="b",c="d"} 1` and a line feed.
    private static func append(_ line: UnsafeBufferPointer<UInt8>, to json: inout [UInt8]) -> Bool {
        GoJSON.raw("{\"labels\":{", to: &json)
        var index = 0
        while index < line.count, line[index] != UInt8(ascii: "{"), line[index] != 0x20 { index += 1 }
        guard index < line.count else { return false }
        if line[index] == UInt8(ascii: "{") {
            guard appendLabels(line, &index, to: &json) else { return false }
        }
        guard index + 1 < line.count, line[index] == 0x20, line[line.count - 1] == 0x0a else { return false }
        GoJSON.raw("},\"value\":\"", to: &json)
        json.append(contentsOf: UnsafeBufferPointer(rebasing: line[(index + 1)..<(line.count - 1)]))
        GoJSON.raw("\"}", to: &json)
        return true
    }

    /// From the opening brace to behind the closing one.
    private static func appendLabels(
        _ line: UnsafeBufferPointer<UInt8>,
        _ index: inout Int,
        to json: inout [UInt8]
    ) -> Bool {
        var lastName = 0..<0
        while index < line.count, line[index] != UInt8(ascii: "}") {
            let isFirst = lastName.isEmpty
            let nameStart = index + 1
            index = nameStart
            while index < line.count, line[index] != UInt8(ascii: "=") { index += 1 }
            guard index + 1 < line.count, line[index + 1] == 0x22 else { return false }
            let name = nameStart..<index
            // Of a repeated name only the last counts.
            guard isFirst || !line[name].elementsEqual(line[lastName]) else { return false }
            lastName = name
            if !isFirst { json.append(UInt8(ascii: ",")) }
            json.append(0x22)
            json.append(contentsOf: UnsafeBufferPointer(rebasing: line[name]))
            GoJSON.raw("\":\"", to: &json)
            let valueStart = index + 2
            index = valueStart
            while index < line.count, line[index] != 0x22 { index += line[index] == 0x5c ? 2 : 1 }
            guard index < line.count else { return false }
            GoJSON.appendEscaped(UnsafeBufferPointer(rebasing: line[valueStart..<index]), isEscaped: true, to: &json)
            json.append(0x22)
            index += 1
        }
        index += 1
        return true
    }
}
