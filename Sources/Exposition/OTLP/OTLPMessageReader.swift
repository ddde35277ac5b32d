import MetricModel

extension OTLPTranslator {
    /// Translates a protobuf message (`ExportMetricsServiceRequest`). What the memory knows by its bytes is not read again.
    public static func translate(
        _ message: [UInt8],
        _ settings: Settings,
        _ memory: inout OTLPMemory
    ) throws(ExpositionError) -> Outcome {
        // Handed over and back, so that there is never a second copy of it.
        var own = memory
        memory = OTLPMemory()
        defer {
            own.end()
            memory = own
        }
        own.begin(settings)
        return try message.withUnsafeBufferPointer { bytes throws(ExpositionError) in
            var reader = OTLPMessageReader(bytes, settings)
            return try reader.read(&own)
        }
    }
}

extension OTLPTranslator {
    /// Translates a protobuf message of which nothing is known. Nothing is learned of it either.
    public static func translate(_ message: [UInt8], _ settings: Settings) throws(ExpositionError) -> Outcome {
        var memory = OTLPMemory()
        var outcome = try translate(message, settings, &memory)
        outcome.lessons = SeriesMemory.Lessons()
        return outcome
    }
}

/// Goes through a message once, and makes labels only of points whose series is not known.
struct OTLPMessageReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var translator: OTLPTranslator

    /// The bytes of the resource at hand, and its number.
    private var head = 0..<0
    private var number = 0
    private var scope = OTLPMetrics.Scope()
    private var scopeNumber = 0
    /// Whether labels can be made: the resource and the scope at hand were read.
    private var isEntered = false
    private var span = OTLPTranslator.Span()
    /// What a series is known by: resource, scope and metric by number, and the bytes of the attributes.
    private var key: [UInt8] = []
    /// What a metric is known by.
    private var metricKey: [UInt8] = []

    init(_ bytes: UnsafeBufferPointer<UInt8>, _ settings: OTLPTranslator.Settings) {
        self.bytes = bytes
        translator = OTLPTranslator(settings)
    }

    mutating func read(_ memory: inout OTLPMemory) throws(ExpositionError) -> OTLPTranslator.Outcome {
        translator.outcome.generation = memory.generation
        var reader = WireReader(bytes)
        while let tag = try reader.nextTag(of: "ExportMetricsServiceRequest") {
            if tag.field == 1 {
                try readResource(try reader.message(tag, "ResourceMetrics"), &memory)
            } else {
                try reader.skip(tag)
            }
        }
        return translator.finished
    }

    private func slice(_ range: Range<Int>) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: bytes[range])
    }

    // MARK: Where the points are

    private mutating func readResource(_ message: WireReader, _ memory: inout OTLPMemory) throws(ExpositionError) {
        // What is said of the resource may stand behind its metrics.
        var walk = message
        var heads = 0
        head = message.position..<message.position
        while let tag = try walk.nextTag(of: "ResourceMetrics") {
            switch tag.field {
            case 1:
                head = try walk.delimited(tag, "Resource")
                heads += 1
            case 2: _ = try walk.delimited(tag, "ScopeMetrics")
            default: try walk.skip(tag)
            }
        }
        if heads > 1 {
            walk = message
            return try translator.add(try OTLPDecoder.resource(&walk, &translator.room))
        }
        isEntered = false
        span = OTLPTranslator.Span()
        try translator.room.take(64)
        if let known = memory.resource(slice(head)) {
            number = known
        } else {
            let resource = try self.resource()
            do throws(ExpositionError) {
                try translator.labels.enter(resource)
            } catch {
                return try leaveOut(message, because: error, OTLPDecoder.resource)
            }
            isEntered = true
            number = memory.add(resource: slice(head))
        }
        walk = message
        while let tag = try walk.nextTag(of: "ResourceMetrics") {
            if tag.field == 2 {
                try readScope(try walk.message(tag, "ScopeMetrics"), &memory)
            } else {
                try walk.skip(tag)
            }
        }
        if !span.isEmpty { try addInfo(&memory) }
    }

    /// Notes why what a message says cannot be taken, which is told only where the message is whole.
    private mutating func leaveOut<Part>(
        _ message: WireReader,
        because error: ExpositionError,
        _ read: (inout WireReader, inout MessageRoom) throws(ExpositionError) -> Part
    ) throws(ExpositionError) {
        try translator.room.take(error.message.utf8.count)
        translator.outcome.problems.append(error.message)
        var message = message
        _ = try read(&message, &translator.room)
    }

    private mutating func resource() throws(ExpositionError) -> OTLPMetrics.Resource {
        var resource = OTLPMetrics.Resource()
        var reader = WireReader(bytes, head)
        try OTLPDecoder.attributes(&reader, into: &resource, &translator.room)
        return resource
    }

    private mutating func readScope(_ message: WireReader, _ memory: inout OTLPMemory) throws(ExpositionError) {
        scope = OTLPMetrics.Scope()
        var walk = message
        while let tag = try walk.nextTag(of: "ScopeMetrics") {
            switch tag.field {
            case 1:
                var inner = try walk.message(tag, "Scope")
                try OTLPDecoder.head(&inner, into: &scope, &translator.room)
            case 2: _ = try walk.delimited(tag, "Metrics")
            case 3: scope.schemaURL = walk.text(try walk.delimited(tag, "SchemaUrl"))
            default: try walk.skip(tag)
            }
        }
        // Only what becomes labels tells scopes apart.
        let key = translator.settings.promotesScope ? scope.key : []
        let known = memory.scope(key)
        if known == nil, !isEntered {
            try translator.labels.enter(try resource())
            isEntered = true
        }
        if isEntered {
            do throws(ExpositionError) {
                try translator.labels.enter(scope)
            } catch {
                return try leaveOut(message, because: error, OTLPDecoder.scope)
            }
        }
        scopeNumber = known ?? memory.add(scope: key)
        walk = message
        while let tag = try walk.nextTag(of: "ScopeMetrics") {
            if tag.field == 2 {
                try readMetric(try walk.message(tag, "Metrics"), &memory)
            } else {
                try walk.skip(tag)
            }
        }
    }

    /// Makes sure that labels can be made.
    private mutating func enter() throws(ExpositionError) {
        if isEntered { return }
        try translator.labels.enter(try resource())
        try translator.labels.enter(scope)
        isEntered = true
    }

    private mutating func addInfo(_ memory: inout OTLPMemory) throws(ExpositionError) {
        if case .unread = memory.infos[number] {
            let resource = try self.resource()
            try enter()
            let collisions = translator.labels.collisionCount
            let series: Labels?
            do throws(ExpositionError) {
                series = try translator.info(of: resource)
            } catch {
                try translator.room.take(error.message.utf8.count)
                return translator.outcome.problems.append(error.message)
            }
            guard translator.labels.collisionCount == collisions else {
                // It is told each time.
                if let series { try translator.addInfo(series, nil, span) }
                return
            }
            memory.setInfo(series.map { .series($0) } ?? .absent, of: number)
        }
        guard case .series(let labels) = memory.infos[number] else { return }
        setKey(metric: -1)
        let known = memory.series.find(key)
        let place = translator.outcome.labels.count
        try translator.addInfo(labels, known, span)
        if translator.outcome.labels.count > place { translator.outcome.lessons.add(key, for: place) }
    }

    private mutating func setKey(metric: Int) {
        key.removeAll(keepingCapacity: true)
        for part in [number, scopeNumber, metric] {
            withUnsafeBytes(of: UInt32(truncatingIfNeeded: part)) { key.append(contentsOf: $0) }
        }
    }

    // MARK: Metrics

    /// A metric of numbers without its points.
    private struct Shape {
        /// Texts with their lengths.
        var name = 0..<0
        var description = 0..<0
        var unit = 0..<0
        var field: Int32 = 0
        var content = 0..<0
        var temporality: Int64 = 0
        var isMonotonic = false
        var points = 0

        init?(_ message: WireReader) throws(ExpositionError) {
            var message = message
            while let tag = try message.nextTag(of: "Metric") {
                let start = message.position
                switch tag.field {
                case 1:
                    _ = try message.delimited(tag, "Name")
                    name = start..<message.position
                case 2:
                    _ = try message.delimited(tag, "Description")
                    description = start..<message.position
                case 3:
                    _ = try message.delimited(tag, "Unit")
                    unit = start..<message.position
                case 5, 7:
                    if field != 0 { return nil }
                    field = tag.field
                    content = try message.delimited(tag, tag.field == 5 ? "Gauge" : "Sum")
                case 9, 10, 11: return nil
                default: try message.skip(tag)
                }
            }
            if field == 0 { return nil }
            var inner = WireReader(message.bytes, content)
            while let tag = try inner.nextTag(of: "Metric_Data") {
                switch tag.field {
                case 1:
                    _ = try inner.delimited(tag, "DataPoints")
                    points += 1
                case 2: temporality = try inner.signed(tag, "AggregationTemporality")
                case 3: isMonotonic = try inner.unsigned(tag, "IsMonotonic") != 0
                default: try inner.skip(tag)
                }
            }
        }

        /// The metric without its points.
        func metric(_ bytes: UnsafeBufferPointer<UInt8>) throws(ExpositionError) -> OTLPMetrics.Metric {
            func text(_ range: Range<Int>) throws(ExpositionError) -> String {
                if range.isEmpty { return "" }
                var reader = WireReader(bytes, range)
                _ = try reader.varint()
                return reader.text(reader.position..<range.upperBound)
            }
            var metric = OTLPMetrics.Metric()
            metric.name = try text(name)
            metric.description = try text(description)
            metric.unit = try text(unit)
            metric.content =
                field == 5
                ? .gauge([]) : .sum([], OTLPMetrics.Temporality(number: temporality), isMonotonic: isMonotonic)
            return metric
        }
    }

    private mutating func readMetric(_ message: WireReader, _ memory: inout OTLPMemory) throws(ExpositionError) {
        guard let shape = try Shape(message) else {
            var walk = message
            let metric = try OTLPDecoder.metric(&walk, &translator.room)
            span.note(metric)
            try enter()
            return try translator.add(metric)
        }
        metricKey.removeAll(keepingCapacity: true)
        metricKey.append(UInt8(shape.field) << 1 | (shape.isMonotonic ? 1 : 0))
        withUnsafeBytes(of: shape.temporality) { metricKey.append(contentsOf: $0) }
        for text in [shape.name, shape.unit, shape.description] {
            if text.isEmpty { metricKey.append(0) } else { metricKey.append(contentsOf: slice(text)) }
        }
        if let known = memory.metric(metricKey) {
            return try read(shape, known, memory.facts[known], nil, &memory)
        }
        let metric = try shape.metric(bytes)
        let facts: OTLPTranslator.Facts
        do throws(ExpositionError) {
            facts = try translator.facts(of: metric)
        } catch {
            return try read(shape, -1, OTLPTranslator.Facts(metric), error.message, &memory)
        }
        try read(shape, memory.add(metric: metricKey, facts), facts, nil, &memory)
    }

    /// Reads the points of a metric.
    /// - Parameter problem: Why none of them can be taken.
    private mutating func read(
        _ shape: Shape,
        _ metric: Int,
        _ facts: OTLPTranslator.Facts,
        _ problem: String?,
        _ memory: inout OTLPMemory
    ) throws(ExpositionError) {
        try translator.room.take(OTLPTranslator.metricSize)
        var verdict = OTLPTranslator.Verdict(facts: facts, points: shape.points)
        verdict.problem = problem
        if problem == nil { translator.begin(&verdict, isTold: !memory.isUntold(metric)) }
        let (samples, histograms) = (translator.outcome.samples.count, translator.outcome.histograms.count)
        setKey(metric: metric)
        let keyLength = key.count
        var content = WireReader(bytes, shape.content)
        while let tag = try content.nextTag(of: "Metric_Data") {
            guard tag.field == 1 else {
                try content.skip(tag)
                continue
            }
            var message = try content.message(tag, "DataPoints")
            var point = OTLPMetrics.NumberPoint()
            var stretch = OTLPPointDecoder.Stretch(message.position)
            try OTLPPointDecoder.number(&message, into: &point, &stretch, &translator.room)
            span.note(point.frame.time)
            key.removeLast(key.count - keyLength)
            key.append(contentsOf: slice(stretch.range))
            let known = stretch.isPlain && verdict.problem == nil ? memory.series.find(key) : nil
            if known == nil {
                point.frame.attributes = try OTLPPointDecoder.attributes(
                    WireReader(bytes, stretch.range),
                    &translator.room
                )
                if verdict.problem != nil { continue }
                try enter()
                translator.labels.family = (facts.family, facts.metadata)
            }
            do throws(ExpositionError) {
                try add(point, known, shape, isKeyed: stretch.isPlain)
            } catch {
                if translator.room.left < 0 { throw error }
                verdict.problem = error.message
            }
        }
        verdict.samples = samples..<translator.outcome.samples.count
        verdict.histograms = histograms..<histograms
        translator.outcome.verdicts.append(verdict)
    }

    private mutating func add(
        _ point: OTLPMetrics.NumberPoint,
        _ known: SeriesRef?,
        _ shape: Shape,
        isKeyed: Bool
    ) throws(ExpositionError) {
        let hasExamples = shape.field == 7
        if let known { return try translator.addNumber(point, hasExamples: hasExamples, of: known) }
        let collisions = translator.labels.collisionCount
        let place = try translator.addNumber(point, hasExamples: hasExamples)
        // Labels that collide are told each time.
        if isKeyed, translator.labels.collisionCount == collisions {
            try translator.room.take(key.count)
            translator.outcome.lessons.add(key, for: place)
        }
    }
}

extension OTLPMetrics.Scope {
    /// What tells it from others, in bytes.
    fileprivate var key: [UInt8] {
        var key: [UInt8] = []
        for text in [name, version, schemaURL] + attributes.flatMap({ [$0.name, $0.value] }) {
            LabelsBuilder.append(text.utf8, to: &key)
        }
        return key
    }
}
