import MetricModel

/// OpenMetrics text.
extension FamilyEncoder {
    mutating func appendOpenMetrics(_ family: MetricFamily) {
        // A counter's name has `_total` in its samples only; without it, it cannot be called a counter.
        let isCounter = family.type == .counter && family.name.hasSuffix("_total")
        let isInfo = family.type == .info && family.name.hasSuffix("_info")
        let base = isCounter ? String(family.name.dropLast(6)) : isInfo ? String(family.name.dropLast(5)) : family.name
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
