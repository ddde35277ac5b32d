public import MetricModel

/// An endpoint to scrape: all its labels and what follows from them. A value; how it fares is kept elsewhere.
public struct ScrapeTarget: Sendable, Hashable {
    /// All labels, the internal ones included.
    public let labels: Labels
    /// The labels that its samples get: those whose names do not begin with two underscores.
    public let publicLabels: Labels
    /// Where it is scraped.
    public let url: String
    /// How often.
    public let interval: PrometheusDuration
    /// When to give up.
    public let timeout: PrometheusDuration

    /// A target from its labels and its job's settings.
    public init(labels: Labels, config: ScrapeConfig) {
        self.labels = labels
        publicLabels = Labels(labels.filter { !$0.name.hasPrefix("__") })
        url = Self.url(labels, params: config.params)
        interval =
            labels[TargetLabel.scrapeInterval].flatMap { try? PrometheusDuration(parsing: $0) }
            ?? config.scrapeInterval
        timeout =
            labels[TargetLabel.scrapeTimeout].flatMap { try? PrometheusDuration(parsing: $0) }
            ?? config.scrapeTimeout
    }

    /// A number that stays the same for the same target, by which its scrapes are spread over the interval.
    public var hash: UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in labels.encoded { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        for byte in url.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return hash
    }

    /// Whether a flag that relabelling may have set is on.
    func flag(_ name: String, _ configured: Bool) -> Bool {
        labels[name].flatMap(TargetBuilder.bool) ?? configured
    }

    private static func url(_ labels: Labels, params: [String: [String]]) -> String {
        var params = params
        for label in labels where label.name.hasPrefix(TargetLabel.parameterPrefix) {
            let name = String(label.name.dropFirst(TargetLabel.parameterPrefix.count))
            var values = params[name] ?? []
            if values.isEmpty { values = [label.value] } else { values[0] = label.value }
            params[name] = values
        }
        let path = labels[TargetLabel.metricsPath] ?? ""
        var url = (labels[TargetLabel.scheme] ?? "") + "://" + URLText.authority(labels[TargetLabel.address] ?? "")
        url += path.isEmpty || path.hasPrefix("/") ? URLText.path(path) : "/" + URLText.path(path)
        let query = params.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.flatMap { name, values in
            values.map { URLText.query(name) + "=" + URLText.query($0) }
        }
        if !query.isEmpty { url += "?" + query.joined(separator: "&") }
        return url
    }
}

/// Escaping of URLs as Go's `net/url` does it.
enum URLText {
    /// A path: what may stand in one stays.
    static func path(_ text: String) -> String { escape(text, plusForSpace: false, extra: "$&+,/:;=@!'()*~") }

    /// Host and port: what may stand in them stays.
    static func authority(_ text: String) -> String { escape(text, plusForSpace: false, extra: "!$&'()*+,;=:[]<>\"~") }

    /// A text in the place of a host: only what can stand in any part of a URL stays.
    static func host(_ text: String) -> String { escape(text, plusForSpace: false, extra: "~") }

    /// A query's name or value.
    static func query(_ text: String) -> String { escape(text, plusForSpace: true, extra: "~") }

    /// A text with what `%` hides brought back; `nil` where it is not written well.
    static func unescaped(_ text: Substring) -> String? {
        var output: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                output.append(byte)
                continue
            }
            guard let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16), rest.count >= 2 else {
                return nil
            }
            output.append(code)
            rest = rest.dropFirst(2)
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func escape(_ text: String, plusForSpace: Bool, extra: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var output: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                output.append(byte)
            case UInt8(ascii: " ") where plusForSpace: output.append(UInt8(ascii: "+"))
            case _ where extra.utf8.contains(byte): output.append(byte)
            default: output += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}
