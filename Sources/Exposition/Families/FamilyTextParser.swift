public import MetricModel

extension NameValidation {
    func acceptsMetricName(_ name: [UInt8]) -> Bool {
        accepts(name, ByteClass.isNameStart, ByteClass.isNameByte)
    }

    func acceptsLabelName(_ name: [UInt8]) -> Bool {
        accepts(name, ByteClass.isLabelStart, ByteClass.isLabelByte)
    }

    private func accepts(_ name: [UInt8], _ isFirst: (UInt8) -> Bool, _ isOther: (UInt8) -> Bool) -> Bool {
        switch self {
        case .legacy: name.first.map(isFirst) == true && name.allSatisfy(isOther)
        case .utf8: !name.isEmpty && ByteText.isValidUTF8(name)
        }
    }
}

/// Reads the text format into metric families, with the rules and the errors of the Go client library's `expfmt.TextParser`:
/// what a Pushgateway does with a pushed body.
///
/// Stricter than a scrape in some places (the last line needs its line break, a label may occur once, no second TYPE line) and
/// more lenient in others. Errors are of the form `text format parsing error in line 3: …`.
public struct FamilyTextParser: Sendable {
    /// Which names are accepted.
    public var validation: NameValidation
    /// The most metrics.
    package var metricLimit = Int.max
    /// Whether well-formed lines are read the quick way; tests compare both.
    package var readsPlainLines = true

    /// A parser.
    public init(validation: NameValidation = .legacy) {
        self.validation = validation
    }

    /// The families with at least one metric, in the order in which they came up.
    public func parse(_ text: [UInt8]) throws(ExpositionError) -> [MetricFamily] {
        try text.withUnsafeBufferPointer { bytes throws(ExpositionError) in
            let machine = FamilyTextMachine(bytes, validation: validation)
            machine.readsPlainLines = readsPlainLines
            machine.metricLimit = metricLimit
            try machine.run()
            return machine.takeFamilies()
        }
    }
}
