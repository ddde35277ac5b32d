import Exposition
import MetricModel
import Testing

/// What becomes of OpenTelemetry's metrics. The tables of names are those of Prometheus's own library for it, in other words.
@Suite(.timeLimit(.minutes(5))) struct OTLPTranslationTests {
    private static let second: UInt64 = 1_000_000_000
    private static let now: UInt64 = 1_700_000_000 * second

    private static func point(_ value: Double, _ attributes: [(String, String)] = []) -> OTLPMetrics.NumberPoint {
        var point = OTLPMetrics.NumberPoint()
        point.frame.time = now
        point.frame.attributes = attributes.map { Label(name: $0.0, value: $0.1) }
        point.value = value
        return point
    }

    private static func request(
        _ metrics: [OTLPMetrics.Metric],
        resource: [(String, String)] = [("service.name", "shop"), ("service.instance.id", "a")]
    ) -> OTLPMetrics {
        var request = OTLPMetrics()
        var entity = OTLPMetrics.Resource()
        entity.attributes = resource.map { Label(name: $0.0, value: $0.1) }
        var scope = OTLPMetrics.Scope()
        scope.name = "lib"
        scope.version = "2"
        scope.metrics = metrics
        entity.scopes = [scope]
        request.resources = [entity]
        return request
    }

    private static func metric(_ name: String, unit: String = "", _ content: OTLPMetrics.Content) -> OTLPMetrics.Metric
    {
        var metric = OTLPMetrics.Metric()
        metric.name = name
        metric.unit = unit
        metric.content = content
        return metric
    }

    private static func counter(_ points: [OTLPMetrics.NumberPoint]) -> OTLPMetrics.Content {
        .sum(points, .cumulative, isMonotonic: true)
    }

    private static func texts(_ outcome: OTLPTranslator.Outcome) -> [String] {
        outcome.samples.map { "\(outcome.labels(of: $0.series)) \($0.value)" }
    }

    enum Kind: Sendable { case gauge, counter, upDown }

    @Test(arguments: [
        ("system.filesystem.usage", "By", Kind.gauge, "system_filesystem_usage_bytes"),
        ("system.io", "By", .counter, "system_io_bytes_total"),
        ("requests.total", "", .counter, "requests_total"), ("total.requests", "", .counter, "requests_total"),
        ("system.cpu.utilization", "1", .gauge, "system_cpu_utilization_ratio"),
        ("requests", "1", .counter, "requests_total"), ("fsync", "{fsync}", .upDown, "fsync"),
        ("speed", "m/s", .gauge, "speed_meters_per_second"),
        ("broker.rate", "By/m", .gauge, "broker_rate_bytes_per_minute"),
        ("rate", "1/s", .gauge, "rate_per_second"), ("rate.per.second", "{x}/s", .gauge, "rate_per_second_per_second"),
        ("memory.usage.bytes", "By", .gauge, "memory_usage_bytes"), ("2xx.count", "", .gauge, "_2xx_count"),
        ("a..b__c", "", .gauge, "a_b_c"), ("active.requests", "{connection}", .upDown, "active_requests"),
        ("used.ratio", "1", .gauge, "used_ratio"), ("temperature", "Cel", .gauge, "temperature_celsius"),
        ("x", "%", .gauge, "x_percent"), ("jvm:gc", "ms", .gauge, "jvm:gc_milliseconds"),
        ("y", "kg/m^2", .gauge, "y_kg_per_m_2"),
    ])
    func `names with suffixes`(name: String, unit: String, kind: Kind, expected: String) throws {
        let content: OTLPMetrics.Content =
            switch kind {
            case .gauge: .gauge([Self.point(1)])
            case .counter: Self.counter([Self.point(1)])
            case .upDown: .sum([Self.point(1)], .cumulative, isMonotonic: false)
            }
        let outcome = try OTLPTranslator.translate(Self.request([Self.metric(name, unit: unit, content)]), .init())
        #expect(outcome.verdicts.map(\.facts.family) == [expected])
    }

    @Test(arguments: [
        (OTLPStrategy.underscoresWithSuffixes, "http_server_time_seconds_total"),
        (.underscoresWithoutSuffixes, "http_server_time"), (.plainWithSuffixes, "http.server.time_seconds_total"),
        (.plain, "http.server.time"),
    ])
    func strategies(strategy: OTLPStrategy, expected: String) throws {
        var settings = OTLPTranslator.Settings()
        settings.strategy = strategy
        let metric = Self.metric("http.server.time", unit: "s", Self.counter([Self.point(2, [("http.method", "GET")])]))
        let outcome = try OTLPTranslator.translate(Self.request([metric]), settings)
        #expect(outcome.labels.map(\.name) == [expected])
        let isPlain = strategy == .plain || strategy == .plainWithSuffixes
        #expect(outcome.labels.first?[isPlain ? "http.method" : "http_method"] == "GET")
    }

    @Test func `a suffix that a plain name has already comes last`() throws {
        var settings = OTLPTranslator.Settings()
        settings.strategy = .plainWithSuffixes
        let names = [("req.total", ""), ("time.seconds", "s"), ("total", "")].map { name, unit in
            Self.metric(name, unit: unit, Self.counter([Self.point(1)]))
        }
        let outcome = try OTLPTranslator.translate(Self.request(names), settings)
        #expect(outcome.verdicts.map(\.facts.family) == ["req_total", "time.seconds_total", "total_total"])
    }

    @Test(arguments: [
        ("2nd", "key_2nd"), ("_x", "key_x"), ("__y", "__y"), ("a-b", "a_b"), ("größe", "gr__e"), ("ok", "ok"),
        ("x:y", "x_y"),
    ])
    func `names of labels`(key: String, expected: String) throws {
        let metric = Self.metric("m", .gauge([Self.point(1, [(key, "v")])]))
        let outcome = try OTLPTranslator.translate(Self.request([metric]), .init())
        #expect(outcome.labels.first?[expected] == "v")
    }

    @Test func `attributes that become one label are told`() throws {
        let metric = Self.metric("m", .gauge([Self.point(1, [("a_b", "3"), ("a.b", "2"), ("a-b", "1")])]))
        let outcome = try OTLPTranslator.translate(Self.request([metric]), .init())
        #expect(outcome.labels.first?["a_b"] == "1;2;3")
        #expect(outcome.collisions.count == 1)
        #expect(outcome.collisions.first?.contains(#""a-b", "a.b", "a_b" collide as label "a_b""#) == true)
    }

    @Test func `the resource becomes job, instance, promoted labels and target_info`() throws {
        var settings = OTLPTranslator.Settings()
        settings.promoted = ["host.name"]
        let resource = [
            ("service.name", "shop"), ("service.namespace", "eu"), ("service.instance.id", "a"), ("host.name", "h"),
            ("service.version", "3"),
        ]
        let metric = Self.metric("m", .gauge([Self.point(1)]))
        let outcome = try OTLPTranslator.translate(Self.request([metric], resource: resource), settings)
        #expect(
            Self.texts(outcome) == [
                #"{__name__="m", host_name="h", instance="a", job="eu/shop"} 1.0"#,
                #"{__name__="target_info", host_name="h", instance="a", job="eu/shop", service_version="3"} 1.0"#,
            ]
        )
        settings.keepsIdentifying = true
        settings.promotesAll = true
        settings.ignored = ["service.version", "service.name"]
        let other = try OTLPTranslator.translate(Self.request([metric], resource: resource), settings)
        #expect(other.labels.first?["service_version"] == nil)
        #expect(other.labels.first?["service_namespace"] == "eu")
        #expect(other.labels.last?["service_name"] == "shop")
    }

    @Test func `target_info needs something to tell and somebody to tell it of`() throws {
        let metric = Self.metric("m", .gauge([Self.point(1)]))
        for resource in [[("service.name", "shop")], [("host.name", "h")]] {
            let outcome = try OTLPTranslator.translate(Self.request([metric], resource: resource), .init())
            #expect(outcome.labels.map(\.name) == ["m"])
        }
    }

    @Test func `target_info has a sample in each half of the lookback`() throws {
        var late = Self.point(2)
        late.frame.time += 400 * Self.second
        let metric = Self.metric("m", .gauge([Self.point(1), late]))
        let resource = [("service.name", "shop"), ("host.name", "h")]
        let outcome = try OTLPTranslator.translate(Self.request([metric], resource: resource), .init())
        let times = outcome.samples.filter { outcome.labels(of: $0.series).name == "target_info" }
            .map { $0.timestamp - 1_700_000_000_000 }
        #expect(times == [0, 150_000, 300_000, 400_000])
    }

    @Test func `the last moment that can be told has no next one`() throws {
        var points = [Self.point(1), Self.point(2)]
        points[0].frame.time = .max - 200 * Self.second
        points[1].frame.time = .max
        let resource = [("service.name", "shop"), ("zone", "a")]
        let outcome = try OTLPTranslator.translate(
            Self.request([Self.metric("m", .gauge(points))], resource: resource),
            .init()
        )
        #expect(outcome.samples.count == 5)
    }

    /// Attributes that become one label are told by name wherever they stand.
    @Test(arguments: [5, 500]) func `many attributes are as few`(count: Int) throws {
        let attributes = (0..<count).flatMap { [("a.\($0)", "1"), ("a_\($0)", "2")] } + [("same", "x"), ("same", "")]
        let metric = Self.metric("m", .gauge([Self.point(1, attributes)]))
        var settings = OTLPTranslator.Settings()
        let escaped = try OTLPTranslator.translate(Self.request([metric], resource: []), settings)
        #expect(escaped.labels.first?["a_\(count - 1)"] == "1;2")
        #expect(escaped.labels.first?["same"] == "x;")
        settings.strategy = .plain
        let plain = try OTLPTranslator.translate(Self.request([metric], resource: []), settings)
        #expect(plain.labels.first?["a.\(count - 1)"] == "1")
        #expect(plain.labels.first?["same"] == nil)
        settings.promotesAll = true
        let promoted = try OTLPTranslator.translate(
            Self.request([Self.metric("m", .gauge([Self.point(1, [("a.0", "own")])]))], resource: attributes),
            settings
        )
        #expect(promoted.labels.first?["a.0"] == "own")
        #expect(promoted.labels.first?["a_\(count - 1)"] == "2")
    }

    @Test func `scopes are told where they are promoted`() throws {
        var settings = OTLPTranslator.Settings()
        settings.promotesScope = true
        let metric = Self.metric("m", .gauge([Self.point(1)]))
        let labels = try OTLPTranslator.translate(Self.request([metric]), settings).labels.first
        #expect(labels?["otel_scope_name"] == "lib")
        #expect(labels?["otel_scope_version"] == "2")
    }

    @Test func `histograms are cumulative, with exemplars where they belong`() throws {
        var point = OTLPMetrics.HistogramPoint()
        point.frame.time = Self.now
        point.count = 6
        point.sum = 12.5
        point.bounds = [0.5, 10_000_000]
        point.bucketCounts = [1, 2, 3]
        var example = OTLPMetrics.Example()
        example.value = 0.7
        example.traceID = "0af7"
        example.time = Self.now
        point.examples = [example]
        let outcome = try OTLPTranslator.translate(
            Self.request([Self.metric("h", unit: "s", .histogram([point], .cumulative))], resource: []),
            .init()
        )
        #expect(
            Self.texts(outcome) == [
                #"{__name__="h_seconds_sum"} 12.5"#, #"{__name__="h_seconds_count"} 6.0"#,
                #"{__name__="h_seconds_bucket", le="0.5"} 1.0"#, #"{__name__="h_seconds_bucket", le="10000000"} 3.0"#,
                #"{__name__="h_seconds_bucket", le="+Inf"} 6.0"#,
            ]
        )
        let exemplar = try #require(outcome.exemplars.first)
        #expect(outcome.labels(of: exemplar.series)["le"] == "10000000")
        #expect(exemplar.exemplar.labels == ["trace_id": "0af7"])
        var settings = OTLPTranslator.Settings()
        settings.convertsToCustomBuckets = true
        let native = try OTLPTranslator.translate(
            Self.request([Self.metric("h", unit: "s", .histogram([point], .cumulative))], resource: []),
            settings
        )
        let histogram = try #require(native.histograms.first?.histogram)
        #expect(histogram.schema == NativeHistogram.customBoundsSchema)
        #expect(histogram.customValues == [0.5, 10_000_000])
        #expect(histogram.positiveBuckets == [1, 2, 3])
    }

    /// Scale, offset, counts: schema, spans (offset, length), buckets.
    typealias ExponentialCase = (Int32, Int32, [UInt64], Int32, [(Int32, UInt32)], [Double])
    static let exponentials: [ExponentialCase] = [
        (1, 0, [4, 3, 2, 1], 1, [(1, 4)], [4, 3, 2, 1]), (1, -1, [4, 0, 0, 1], 1, [(0, 4)], [4, 0, 0, 1]),
        (1, 5, [4, 0, 0, 0, 1], 1, [(6, 1), (3, 1)], [4, 1]), (9, 0, [4, 3, 2, 1], 8, [(1, 2)], [7, 3]),
        (10, 1, [1, 1, 1, 1, 1], 8, [(1, 2)], [3, 2]), (0, 0, [0, 0, 0, 0, 5], 0, [(1, 0), (4, 1)], [5]),
    ]

    @Test(arguments: exponentials)
    func `exponential buckets`(_ example: ExponentialCase) throws {
        let (scale, offset, counts, schema, spans, buckets) = example
        var point = OTLPMetrics.ExponentialPoint()
        point.frame.time = Self.now
        point.scale = scale
        point.count = counts.reduce(0, +)
        point.positive.offset = offset
        point.positive.counts = counts
        let outcome = try OTLPTranslator.translate(
            Self.request([Self.metric("e", .exponential([point], .cumulative))]),
            .init()
        )
        let histogram = try #require(outcome.histograms.first?.histogram)
        #expect(histogram.schema == schema)
        #expect(histogram.positiveSpans == spans.map { NativeHistogram.Span(offset: $0.0, length: $0.1) })
        #expect(histogram.positiveBuckets == buckets)
        #expect(histogram.zeroThreshold == 1e-128)
    }

    @Test(arguments: [
        (OTLPMetrics.Temporality.delta, true), (.unspecified, true), (.unknown, true), (.cumulative, false),
    ])
    func `points that count from the one before are refused`(
        temporality: OTLPMetrics.Temporality,
        isRefused: Bool
    ) throws {
        let metric = Self.metric("d", .sum([Self.point(1)], temporality, isMonotonic: true))
        let verdict = try OTLPTranslator.translate(Self.request([metric]), .init()).verdicts.first
        #expect(verdict?.problem == (isRefused ? #"invalid temporality and type combination for metric "d""# : nil))
        var settings = OTLPTranslator.Settings()
        settings.allowsDelta = true
        let kept = try OTLPTranslator.translate(Self.request([metric]), settings).verdicts.first
        #expect((kept?.problem == nil) == (temporality == .delta || temporality == .cumulative))
        if temporality == .delta { #expect(kept?.facts.metadata.type == .unknown) }
    }

    @Test func `what cannot be translated says why`() throws {
        var point = OTLPMetrics.ExponentialPoint()
        point.scale = -5
        let metrics = [
            Self.metric("none", .none), Self.metric("e", .exponential([point], .cumulative)),
            Self.metric("...", .gauge([Self.point(1)])),
            Self.metric("l", .gauge([Self.point(1, [("___", "x")])])), Self.metric("empty", .gauge([])),
        ]
        let verdicts = try OTLPTranslator.translate(Self.request(metrics), .init()).verdicts
        #expect(
            verdicts.map(\.problem) == [
                "could not get aggregation temporality for none as it has unsupported metric type Empty",
                "cannot convert exponential to native histogram. Scale must be >= -4, was -5",
                #"normalization for metric "..." resulted in empty name"#,
                #"normalization for label name "___" resulted in invalid name "___""#, nil,
            ]
        )
        #expect(verdicts.last?.warnings == ["empty data points. empty is dropped"])
    }

    @Test func `a point without a value ends its series`() throws {
        var point = Self.point(7)
        point.frame.flags = 1
        let outcome = try OTLPTranslator.translate(Self.request([Self.metric("m", .gauge([point]))]), .init())
        #expect(outcome.samples.first.map { SpecialValue.isStale($0.value) } == true)
    }

    @Test func `points that count from the one before add up`() throws {
        let totals = OTLPDelta()
        var dropped = 0
        func send(_ value: Double, at seconds: UInt64) throws -> [Double] {
            var point = Self.point(value)
            point.frame.time = Self.now + seconds * Self.second
            var request = Self.request([Self.metric("d", .sum([point], .delta, isMonotonic: true))])
            dropped += try totals.accumulate(&request, now: 0).dropped
            return try OTLPTranslator.translate(request, .init()).samples.map(\.value)
        }
        #expect(try send(3, at: 0) == [3])
        #expect(try send(4, at: 10) == [7])
        #expect(try send(4, at: 10) == [])
        #expect(try send(0.5, at: 20) == [7.5])
        #expect(dropped == 1)
    }

    @Test func `what was added is taken back, but for streams that others have added to since`() throws {
        let totals = OTLPDelta()
        func add(_ values: [String: Double], at seconds: UInt64) throws -> (OTLPDelta.Addition, [String: Double]) {
            var request = Self.request(
                values.map { name, value in
                    var point = Self.point(value)
                    point.frame.time = Self.now + seconds * Self.second
                    return Self.metric(name, .sum([point], .delta, isMonotonic: true))
                }
            )
            let addition = try totals.accumulate(&request, now: 0)
            let metrics = request.resources.flatMap { $0.scopes.flatMap(\.metrics) }
            let sums = metrics.flatMap { metric -> [(String, Double)] in
                guard case .sum(let points, _, _) = metric.content else { return [] }
                return points.map { (metric.name, $0.value) }
            }
            return (addition, Dictionary(uniqueKeysWithValues: sums))
        }
        _ = try add(["a": 1, "b": 1], at: 0)
        let (refused, sums) = try add(["a": 2, "b": 2, "c": 2], at: 10)
        #expect(sums == ["a": 3, "b": 3, "c": 2])
        // Another one comes before it is refused.
        #expect(try add(["b": 4], at: 20).1 == ["b": 7])
        totals.takeBack(refused)
        // Sent again: what counts already does not count twice.
        #expect(try add(["a": 2, "b": 2, "c": 2], at: 10).1 == ["a": 3, "c": 2])
        #expect(try add(["a": 1, "b": 1, "c": 1], at: 30).1 == ["a": 4, "b": 8, "c": 3])
    }

    @Test(arguments: [
        [Int32.min, 3], [3, .min, 3], [.max, .min, .max], [.max, -4], [-4, .max], [.max, 20, 3], [-5, 3],
    ])
    func `scales of points that add up may be anything`(_ scales: [Int32]) throws {
        for offset in [0, Int32.min, .max] {
            let totals = OTLPDelta()
            var (taken, dropped) = (0, 0)
            for (index, scale) in scales.enumerated() {
                var point = OTLPMetrics.ExponentialPoint()
                point.scale = scale
                point.count = 3
                point.positive.offset = offset
                point.positive.counts = [1, 1, 1]
                point.frame.time = Self.now + UInt64(index) * Self.second
                var request = Self.request([Self.metric("d", .exponential([point], .delta))])
                dropped += try totals.accumulate(&request, now: 0).dropped
                taken += try OTLPTranslator.translate(request, .init()).histograms.count
            }
            // What is refused for its scale is not remembered either.
            #expect(taken + dropped == scales.count { $0 >= -4 })
        }
    }

    @Test(arguments: [
        (OTLPValue.string("a"), "a"), (.bool(true), "true"), (.int(-3), "-3"), (.double(1), "1"),
        (.double(1e-7), "1e-7"),
        (.double(1e21), "1e+21"), (.bytes([1, 2]), "AQI="), (.empty, ""),
        (.array([.string("<"), .int(1), .empty]), #"["\u003c",1,null]"#),
        (.map([("b", .int(1)), ("a", .double(0.5))]), #"{"a":0.5,"b":1}"#), (.array([.double(.nan)]), ""),
    ])
    func `values as text`(value: OTLPValue, expected: String) {
        #expect(value.text == expected)
    }
}

extension OTLPTranslator.Outcome {
    fileprivate func labels(of place: OTLPTranslator.Place) -> Labels {
        switch place {
        case .new(let index): labels[index]
        case .known: [:]
        }
    }
}
