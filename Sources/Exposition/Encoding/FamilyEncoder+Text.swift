import MetricModel

/// Prometheus text.
extension FamilyEncoder {
    mutating func appendText(_ family: MetricFamily) {
        if let help = family.help {
            write("# HELP ")
            writeName(family.name)
            write(" ")
            writeEscaped(help, quotes: false)
            write("\n")
        }
        write("# TYPE ")
        writeName(family.name)
        switch family.type {
        case .counter: write(" counter\n")
        case .gauge, .info, .stateset: write(" gauge\n")
        case .histogram, .gaugehistogram: write(" histogram\n")
        case .summary: write(" summary\n")
        case .unknown: write(" untyped\n")
        }
        appendMetrics(family, base: family.name)
    }
}
