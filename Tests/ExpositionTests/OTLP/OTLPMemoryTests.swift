import Exposition
import MetricModel
import Testing

/// What is known of messages by their bytes changes nothing about what comes of them.
@Suite(.timeLimit(.minutes(5))) struct OTLPMemoryTests {
    /// Messages like those of clients, and odd ones: attributes that collide or are empty, fields out of order, kinds that are not
    /// numbers, names and temporalities that are refused.
    private struct Messages {
        var random: SeededGenerator
        private var time: UInt64 = 1_700_000_000_000_000_000

        init(seed: UInt64) { random = SeededGenerator(seed: seed) }

        private mutating func point() -> [UInt8] {
            time += 1_000_000
            var parts = [Wire.fixed(3, time), Wire.fixed(4, Double.random(in: 0...9, using: &random).bitPattern)]
            if random.pick([true, false]) { parts.append(Wire.fixed(2, 1_600_000_000_000_000_000)) }
            if random.pick([true, false, false]) {
                parts.append(
                    Wire.field(5, Wire.fixed(2, time) + Wire.fixed(3, 1.0.bitPattern) + Wire.attribute(7, "k", "v"))
                )
            }
            if Int.random(in: 0..<20, using: &random) == 0 { parts.append([8 << 3, 1]) }
            let keys = ["a", "b.c", "b-c", "", "http.method", "__name__"]
            let weights = [0, 0, 1, 4, 4]
            let attributes = (0..<Int.random(in: 0...3, using: &random)).map { _ in
                let key =
                    random.pick(weights) == 0 ? random.pick(["a", "http.method"]) : random.pick(keys)
                return Wire.attribute(7, key, random.pick(["x", "y", "", "long value of an attribute"]))
            }
            if Int.random(in: 0..<6, using: &random) == 0 {
                parts += attributes
                parts.shuffle(using: &random)
                return parts.flatMap { $0 }
            }
            return attributes.flatMap { $0 } + parts.flatMap { $0 }
        }

        private mutating func metric() -> [UInt8] {
            let points = (0..<Int.random(in: 0...4, using: &random)).flatMap { _ in Wire.field(1, point()) }
            let name = random.pick(["requests", "requests.total", "size", "", "___", "time"])
            var head = Wire.text(1, name)
            head += Wire.text(2, random.pick(["", "What it is."]))
            head += Wire.text(3, random.pick(["", "s", "By"]))
            let temporalities: [[UInt8]] = [[], [0x10, 2], [0x10, 2], [0x10, 2], [0x10, 2], [0x10, 1]]
            let temporality = random.pick(temporalities)
            let flags: [[UInt8]] = [[], [0x18, 1], [0x18, 1]]
            let isMonotonic = random.pick(flags)
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4: return head + Wire.field(5, points)
            case 4..<8: return head + Wire.field(7, points + temporality + isMonotonic)
            case 8: return Wire.field(7, temporality + points) + head
            default:
                time += 1_000_000
                var histogram = Wire.attribute(9, "a", "x") + Wire.fixed(3, time)
                histogram += Wire.fixed(4, 3) + Wire.fixed(5, 2.0.bitPattern)
                histogram += Wire.field(6, [UInt8](repeating: 0, count: 16))
                histogram += Wire.fixed(7, 1.0.bitPattern)
                return head + Wire.field(9, Wire.field(1, histogram) + [0x10, 2])
            }
        }

        mutating func next() -> [UInt8] {
            (0..<Int.random(in: 1...3, using: &random)).flatMap { _ -> [UInt8] in
                let keys = ["service.name", "service.instance.id", "host.name", "service.namespace", ""]
                let resource = (0..<Int.random(in: 0...3, using: &random)).flatMap { _ in
                    Wire.attribute(
                        1,
                        Int.random(in: 0..<12, using: &random) == 0 ? "" : random.pick(keys),
                        random.pick(["p", "q"])
                    )
                }
                let scopes = (0..<Int.random(in: 1...2, using: &random)).map { _ -> [UInt8] in
                    let metrics = (0..<Int.random(in: 1...4, using: &random)).flatMap { _ in Wire.field(2, metric()) }
                    let scope =
                        Wire.text(1, random.pick(["lib", ""])) + Wire.attribute(3, random.pick(["x", "y"]), "1")
                    return Wire.field(
                        2,
                        Wire.field(1, scope) + metrics + Wire.text(3, random.pick(["", "http://schema"]))
                    )
                }
                var parts = [Wire.field(1, resource)] + scopes
                if Int.random(in: 0..<8, using: &random) == 0 { parts.reverse() }
                if Int.random(in: 0..<20, using: &random) == 0 {
                    parts.append(Wire.field(1, Wire.attribute(1, "host.name", "r")))
                }
                return Wire.field(1, parts.flatMap { $0 })
            }
        }
    }

    /// A store of names only.
    private struct Names {
        var numbers: [Labels: UInt32] = [:]
        var labels: [Labels] = []

        mutating func resolve(_ wanted: [Labels]) -> [SeriesRef] {
            wanted.map { one in
                let number = numbers[one] ?? UInt32(labels.count)
                if numbers.updateValue(number, forKey: one) == nil { labels.append(one) }
                return SeriesRef(rawValue: number)
            }
        }
    }

    /// What an outcome says, with labels in place of references.
    private static func shown(_ outcome: OTLPTranslator.Outcome, _ names: Names) -> [String] {
        func series(_ place: OTLPTranslator.Place) -> Labels {
            switch place {
            case .new(let index): outcome.labels[index]
            case .known(let reference): names.labels[Int(reference.rawValue)]
            }
        }
        return outcome.samples.map { "\(series($0.series)) \($0.value) \($0.timestamp) \($0.start)" }
            + outcome.histograms.map { "\(series($0.series)) \($0.histogram) \($0.timestamp) \($0.start)" }
            + outcome.exemplars.map { "\(series($0.series)) \($0.exemplar)" }
            + outcome.verdicts.map {
                "\($0.facts.name) \($0.facts.unit) \($0.facts.kind) \($0.facts.family) \($0.facts.metadata) \($0.points) "
                    + "\($0.samples) \($0.histograms) \($0.problem ?? "") \($0.warnings)"
            } + outcome.problems + outcome.collisions
    }

    private static let settings: [OTLPTranslator.Settings] = {
        var plain = OTLPTranslator.Settings()
        plain.strategy = .plain
        plain.promotesScope = true
        plain.addsTypeAndUnit = true
        var promoted = OTLPTranslator.Settings()
        promoted.promotesAll = true
        promoted.keepsIdentifying = true
        promoted.allowsDelta = true
        return [OTLPTranslator.Settings(), plain, promoted]
    }()

    @Test(arguments: [0, 1, 2]) func `with a memory as without`(number: Int) throws {
        let settings = Self.settings[number]
        var messages = Messages(seed: UInt64(number) + 5)
        var memory = OTLPMemory()
        var names = Names()
        var (known, refused) = (0, 0)
        var message: [UInt8] = []
        for round in 0..<800 {
            // Each second time the same again.
            if round % 2 == 0 { message = messages.next() }
            let expected = try OTLPTranslator.translate(OTLPMetrics(decoding: message), settings)
            let found = try OTLPTranslator.translate(message, settings, &memory)
            memory.learn(found, names.resolve(found.labels))
            #expect(Self.shown(found, names) == Self.shown(expected, names))
            #expect(Set(found.metadata.map(\.family)) == Set(expected.metadata.map(\.family)))
            known += found.samples.count { if case .known = $0.series { true } else { false } }
            refused += found.problems.count + found.verdicts.count { $0.problem != nil }
        }
        #expect(known > 1000 && refused > 100)
    }

    @Test func `what came before is known, until other settings count`() throws {
        var (memory, names) = (OTLPMemory(), Names())
        let point = Wire.attribute(7, "a", "b") + Wire.fixed(3, 1_700_000_000_000_000_000) + Wire.fixed(4, 0)
        let metric = Wire.text(1, "m") + Wire.field(5, Wire.field(1, point))
        let resource = Wire.attribute(1, "service.name", "shop") + Wire.attribute(1, "host.name", "h")
        let message = Wire.field(1, Wire.field(1, resource) + Wire.field(2, Wire.field(2, metric)))
        var settings = OTLPTranslator.Settings()
        func read() throws -> OTLPTranslator.Outcome {
            let outcome = try OTLPTranslator.translate(message, settings, &memory)
            memory.learn(outcome, names.resolve(outcome.labels))
            return outcome
        }
        #expect(try read().labels.map(\.name) == ["m", "target_info"])
        let again = try read()
        #expect(again.labels.isEmpty && again.samples.count == 2)
        settings.strategy = .plain
        #expect(try read().labels.count == 2)
        memory.forgetSeries()
        #expect(try read().labels.count == 2)
        #expect(try read().labels.isEmpty)
    }

    @Test func `long texts do not stay`() throws {
        var (memory, names) = (OTLPMemory(), Names())
        func read(_ description: String) throws -> Int {
            let point = Wire.fixed(3, 1_700_000_000_000_000_000) + Wire.fixed(4, 0)
            let metric = Wire.text(1, "m") + Wire.text(2, description) + Wire.field(5, Wire.field(1, point))
            let message = Wire.field(1, Wire.field(2, Wire.field(2, metric)))
            let outcome = try OTLPTranslator.translate(message, .init(), &memory)
            memory.learn(outcome, names.resolve(outcome.labels))
            return outcome.labels.count
        }
        #expect(try (read(""), read("")) == (1, 0))
        let long = String(repeating: "h", count: 4 << 20)
        // Each twice: by its bytes, and as a text.
        for number in 0..<3 { _ = try read("\(number)" + long) }
        #expect(try read("") == 0)
        for number in 3..<6 { _ = try read("\(number)" + long) }
        #expect(try (read(""), read("")) == (1, 0))
    }

    @Test func `damaged messages fail with a memory as without`() throws {
        var messages = Messages(seed: 3)
        var (memory, names) = (OTLPMemory(), Names())
        for _ in 0..<1000 {
            var message = messages.next()
            for _ in 0..<Int.random(in: 0...2, using: &messages.random) where !message.isEmpty {
                message[Int.random(in: 0..<message.count, using: &messages.random)] = UInt8.random(
                    in: 0...255,
                    using: &messages.random
                )
            }
            let settings = OTLPTranslator.Settings()
            let expected = try? OTLPTranslator.translate(OTLPMetrics(decoding: message), settings)
            let found = try? OTLPTranslator.translate(message, settings, &memory)
            #expect((expected == nil) == (found == nil))
            guard let expected, let found else { continue }
            memory.learn(found, names.resolve(found.labels))
            #expect(Self.shown(found, names) == Self.shown(expected, names))
        }
    }
}

/// Fields of protobuf messages.
private enum Wire {
    /// A protobuf field of length-delimited bytes.
    static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        [number << 3 | 2] + varint(UInt64(bytes.count)) + bytes
    }

    static func varint(_ value: UInt64) -> [UInt8] {
        var (rest, bytes): (UInt64, [UInt8]) = (value, [])
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    static func fixed(_ number: UInt8, _ bits: UInt64) -> [UInt8] {
        [number << 3 | 1] + (0..<8).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
    }

    static func text(_ number: UInt8, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }

    static func attribute(_ number: UInt8, _ key: String, _ value: String) -> [UInt8] {
        field(number, text(1, key) + field(2, text(1, value)))
    }
}
