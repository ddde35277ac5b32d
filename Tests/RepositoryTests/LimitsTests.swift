import Testing

/// Every bound of the code is a row of `docs/limits.md`, with the value that it has.
@Suite(.timeLimit(.minutes(5))) struct LimitsTests {
    /// Constants with such names that bound nothing that comes from outside: they belong to a format, an algorithm or a picture.
    static let inner: Set<String> = [
        "AggregationEvaluation: greatestCount = 16", "AlertRule: greatestChanges = 20",
        "BlockBuilder: localLimit = 256",
        "DurationResolution: greatestSeconds = 0x1p63 / 1e9", "EntropyTable: symbolLimit = 96",
        "GoNumber: greatestLength = 352", "GoNumber: greatestShortLength = 32", "HuffmanTable: longest = 15",
        "JournalCodec: limit = 1_125_899_906_842_624.0", "MetricCourse: most = 0x1p53",
        "NativeHistogramBounds: maximumSchema = 8", "PageCache: touchedLimit = 1 << 16", "PowersOfTen: greatest = 324",
        "QuantileSketch: bufferLimit = 500", "RelatedCodec: limit = 4_503_599_627_370_496.0",
        "RemoteWritePacker: longestLabels = 32 << 10", "RemoteWritePacker: mostSearches = 32",
        "SelfTest: failureLimit = 20",
        "SnappyPieces: longestLiteral = 60",
        "SnappyWriter: mostBits = 14",
        "SnappyFrames: largestBlock = 65536",
        "Staging: keptCapacity = 1 << 16", "StartOffsets: greatestCount = 10_000_000", "ValueCodec: exponentLimit = 12",
        "ValueCodec: integerLimit = 9_007_199_254_740_992.0",
    ]

    private static let beginnings = ["greatest", "longest", "largest", "maximum", "most", "deepest"]
    private static let ends = ["limit", "Limit", "capacity", "Capacity"]

    /// A property and its value where a line declares one with a number: `File: name = value`.
    private static func constant(_ line: Substring, in file: String) -> (name: String, text: String, isStatic: Bool)? {
        let words = line.split(separator: " ")
        guard let keyword = words.firstIndex(where: { $0 == "let" || $0 == "var" }), keyword + 1 < words.count,
            let equals = words[keyword...].firstIndex(of: "="), equals - keyword <= 3, equals + 1 < words.count
        else { return nil }
        let value = words[(equals + 1)...].prefix { $0 != "//" }.joined(separator: " ")
        guard let first = value.first, first.isNumber || first == "(" else { return nil }
        let name = String(words[keyword + 1].prefix { $0 != ":" })
        return (name, "\(file): \(name) = \(value)", words[..<keyword].contains("static"))
    }

    private static let declared: (all: Set<String>, bounds: Set<String>) = {
        var (all, bounds): (Set<String>, Set<String>) = ([], [])
        for file in Repository.files(below: "Sources") where file.path.hasSuffix(".swift") {
            let stem = String(file.path.split(separator: "/").last?.dropLast(6) ?? "")
            for line in file.lines {
                guard let found = constant(line, in: stem) else { continue }
                all.insert(found.text)
                if found.isStatic,
                    beginnings.contains(where: found.name.hasPrefix) || ends.contains(where: found.name.hasSuffix)
                {
                    bounds.insert(found.text)
                }
            }
        }
        return (all, bounds)
    }()

    private static let rows = (Repository.files(below: "docs").first { $0.path == "docs/limits.md" }?.lines ?? [])
        .filter { $0.hasPrefix("| ") }.map { $0.split(separator: "|", omittingEmptySubsequences: false) }

    /// What stands between backquotes.
    private static func quoted(_ text: Substring) -> [String] {
        text.split(separator: "`", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 1 }
            .map { String($0.element) }
    }

    @Test func `what the page says is what the code says`() {
        let told = Self.rows.flatMap { $0.count > 6 ? Self.quoted($0[6]) : [] }
        #expect(told.count > 80)
        #expect(told.filter { !Self.declared.all.contains($0) } == [])
    }

    @Test func `each bound is on the page`() {
        let told = Set(Self.rows.flatMap { $0.count > 6 ? Self.quoted($0[6]) : [] })
        #expect(Self.declared.bounds.count > 80)
        #expect(Self.declared.bounds.subtracting(told).subtracting(Self.inner).sorted() == [])
        #expect(Self.inner.subtracting(Self.declared.bounds).sorted() == [])
    }

    @Test func `what shows a bound is there`() {
        let files = Repository.files(below: "Tests")
        let paths = Set(files.map(\.path))
        let attacks = files.filter { $0.path.hasPrefix("Tests/Attack/") }.flatMap(\.lines).filter {
            $0.hasPrefix("@attack(\"")
        }
        .map { $0.dropFirst(9).prefix { $0 != "\"" } }
        #expect(attacks.count > 30)
        var missing: [String] = []
        for row in Self.rows where row.count > 5 {
            for test in Self.quoted(row[5]) where test != "MetricStorageTesting" {
                if !paths.contains("Tests/\(test).swift"), !paths.contains("Tests/\(test)") { missing.append(test) }
            }
            for attack in row[5].split(separator: "*").enumerated().filter({ $0.offset % 2 == 1 }).map(\.element)
            where !attacks.contains(where: { $0.hasPrefix(attack) }) {
                missing.append(String(attack))
            }
        }
        #expect(missing == [])
    }
}
