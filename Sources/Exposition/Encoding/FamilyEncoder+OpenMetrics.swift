import MetricModel

/// OpenMetrics text.
extension FamilyEncoder {
    /// What a family is called: its name without what its samples end in.
    static func openMetricsBase(of family: MetricFamily) -> String {
        let ending =
            switch family.type {
            case .counter: "_total"
            case .info: "_info"
            case .gauge, .stateset, .histogram, .gaugehistogram, .summary, .unknown: ""
            }
        return family.name.hasSuffix(ending) ? String(family.name.dropLast(ending.count)) : family.name
    }

    mutating func appendOpenMetrics(_ family: MetricFamily) {
        let base = Self.openMetricsBase(of: family)
        // Without `_total` in its samples' name it cannot be called a counter.
        let isCounter = family.type == .counter && base != family.name
        let isInfo = family.type == .info && base != family.name
        if let help = family.help {
            write("# HELP ")
            writeName(base)
            write(" ")
            writeEscaped(help, quotes: true)
            write("\n")
        }
        write("# TYPE ")
        writeName(base)
        switch family.type {
        case .counter: write(isCounter ? " counter\n" : " unknown\n")
        case .info: write(isInfo ? " info\n" : " gauge\n")
        case .gauge: write(" gauge\n")
        case .stateset: write(" stateset\n")
        case .histogram: write(" histogram\n")
        case .gaugehistogram: write(" gaugehistogram\n")
        case .summary: write(" summary\n")
        case .unknown: write(" unknown\n")
        }
        if !family.unit.isEmpty {
            write("# UNIT ")
            writeName(base)
            write(" ")
            writeEscaped(family.unit, quotes: true)
            write("\n")
        }
        appendMetrics(family, base: base)
    }
}
