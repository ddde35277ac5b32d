import MetricModel

/// Makes a text exposition look as if its process had begun anew: what counts, counts from the first body that is seen here.
struct CounterReset {
    /// The values at the restart, by URL and series.
    private var bases: [String: [String: Double]] = [:]

    mutating func apply(_ body: [UInt8], of url: String) -> [UInt8] {
        let isFirst = bases[url] == nil
        var base = bases[url] ?? [:]
        var counting: Set<String> = []
        var result: [UInt8] = []
        result.reserveCapacity(body.count)
        for line in body.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if !result.isEmpty || line.startIndex > 0 { result.append(UInt8(ascii: "\n")) }
            let text = String(decoding: line, as: UTF8.self)
            if text.hasPrefix("# TYPE ") {
                counting.formUnion(Self.countingNames(text))
            } else if !text.hasPrefix("#"), let (series, value, rest) = Self.parts(text),
                counting.contains(String(series.prefix { $0 != "{" && $0 != " " }))
            {
                if isFirst { base[series] = value }
                // A series that came later counts from zero anyway.
                let shifted = max(0, value - (base[series] ?? 0))
                result.append(contentsOf: "\(series) \(GoNumber.text(shifted, .shortest))\(rest)".utf8)
                continue
            }
            result.append(contentsOf: line)
        }
        bases[url] = base
        return result
    }

    /// The names of the series of a family that count.
    private static func countingNames(_ line: String) -> [String] {
        let words = line.split(separator: " ")
        guard words.count == 4 else { return [] }
        let name = String(words[2])
        switch words[3] {
        case "counter": return [name, name + "_total"]
        case "histogram": return [name + "_bucket", name + "_count", name + "_sum"]
        case "summary": return [name + "_count", name + "_sum"]
        default: return []
        }
    }

    /// Series, value and what follows of a sample's line.
    private static func parts(_ line: String) -> (series: String, value: Double, rest: Substring)? {
        var end = line.startIndex
        var isQuoted = false
        var isEscaped = false
        var depth = 0
        while end < line.endIndex {
            let character = line[end]
            if isQuoted {
                if isEscaped {
                    isEscaped = false
                } else if character == "\\" {
                    isEscaped = true
                } else if character == "\"" {
                    isQuoted = false
                }
            } else if character == "\"" {
                isQuoted = true
            } else if character == "{" {
                depth += 1
            } else if character == "}" {
                depth -= 1
            } else if character == " " || character == "\t", depth == 0 {
                break
            }
            end = line.index(after: end)
        }
        let tail = line[end...].drop { $0 == " " || $0 == "\t" }
        let number = tail.prefix { $0 != " " && $0 != "\t" }
        guard let value = Double(number) else { return nil }
        return (String(line[..<end]), value, tail[number.endIndex...])
    }
}
