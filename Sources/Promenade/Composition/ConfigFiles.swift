import Scrape

/// The files that a configuration is made of, by which a change is noticed.
enum ConfigFiles {
    /// Each file that the configuration names now, with that by which changes are noticed.
    static func stamps(of main: String, _ known: inout ConfigSources.Known) -> [String: [Int64]?] {
        var stamps: [String: [Int64]?] = [:]
        for file in ConfigSources.files(of: main, &known) { stamps.updateValue(FileAccess.stamp(file), forKey: file) }
        return stamps
    }
}

extension StackConfig {
    /// Sections that are read only at the start and say something else than the ones in use.
    func sectionsDiffering(from used: StackConfig) -> [String] {
        var names: [String] = []
        if demo != used.demo { names.append("demo_server") }
        if gateway != used.gateway { names.append("pushgateway") }
        if isInboxEnabled != used.isInboxEnabled { names.append("inbox") }
        if storage != used.storage { names.append("storage") }
        if prometheus.otlp.listenAddress != used.prometheus.otlp.listenAddress { names.append("otlp.listen") }
        return names
    }
}
