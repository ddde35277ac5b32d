package import MetricModel
import Scrape

/// The files that a configuration is made of, by which a change is noticed.
package enum ConfigFiles {
    /// The time between two looks at files that have changed, in milliseconds.
    package static let pause: Int64 = 100
    /// For how many looks a file that has lost all it had may stay so: who truncates it means to write it anew, and without its
    /// rules every alert would lose the time that it has waited.
    private static let looksAtEmptied = 20

    /// Waits until files are left alone: who writes one in several pieces is let finish.
    /// - Parameters:
    ///   - old: the files as they were read.
    ///   - look: the files as they are.
    package static func settle(
        since old: [String: [Int64]?],
        clock: any StackClock,
        look: () async throws -> [String: [Int64]?]
    ) async throws {
        var seen = try await look()
        var unchanged = 0
        while unchanged < (isSomeEmptied(old, seen) ? looksAtEmptied : 1) {
            try await clock.sleep(milliseconds: pause)
            let later = try await look()
            unchanged = later == seen ? unchanged + 1 : 0
            seen = later
        }
    }

    /// Whether a file has nothing in it that had something.
    private static func isSomeEmptied(_ old: [String: [Int64]?], _ new: [String: [Int64]?]) -> Bool {
        new.contains { file, stamp in
            guard let stamp, let before = old[file] ?? nil else { return false }
            return stamp[FileFacts.sizeInStamp] == 0 && before[FileFacts.sizeInStamp] > 0
        }
    }

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
