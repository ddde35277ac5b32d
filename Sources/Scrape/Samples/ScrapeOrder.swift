/// The samples of a scrape in the order of the exposition.
package struct ScrapeOrder: Sendable {
    /// One sample.
    struct Entry {
        /// Where its lead lies in ``leads``; an empty one cannot be guessed.
        var leadStart: UInt32
        var leadEnd: UInt32
        var slot: UInt32
        /// End of its metadata families in ``families``.
        var familiesEnd: UInt32
        var flags: UInt8

        var isDropped: Bool { flags & 1 != 0 }
        /// Whether it brought a timestamp that counted.
        var hasTime: Bool { flags & 2 != 0 }
        var isTracked: Bool { flags & 4 != 0 }
        var isHistogram: Bool { flags & 8 != 0 }
    }

    package static let dropped: UInt8 = 1
    static let hasTime: UInt8 = 2
    package static let tracked: UInt8 = 4
    package static let histogram: UInt8 = 8

    /// What stood before each value, one after the other.
    package private(set) var leads: [UInt8] = []
    var entries: [Entry] = []
    var families: [UInt32] = []
    /// How many entries are float samples to store.
    var floatCount = 0
    /// Whether the scrape had something that has to be looked at anew each time (a repeated or refused sample).
    package var isIrregular = false

    /// Adds a sample that comes after those that are there.
    package mutating func add(lead: UnsafeRawBufferPointer, slot: Int, flags: UInt8) {
        let start = UInt32(leads.count)
        leads.append(contentsOf: lead)
        entries.append(
            Entry(
                leadStart: start,
                leadEnd: UInt32(leads.count),
                slot: UInt32(slot),
                familiesEnd: UInt32(families.count),
                flags: flags
            )
        )
        if flags & (Self.dropped | Self.histogram) == 0 { floatCount += 1 }
    }

    /// The first entries of another order.
    init(prefix count: Int, of other: ScrapeOrder) {
        entries = Array(other.entries.prefix(count))
        if let last = entries.last {
            leads = Array(other.leads[..<Int(last.leadEnd)])
            families = Array(other.families[..<Int(last.familiesEnd)])
        }
        floatCount = entries.reduce(0) { $0 + ($1.isDropped || $1.isHistogram ? 0 : 1) }
        leads.reserveCapacity(other.leads.count + 1024)
        entries.reserveCapacity(other.entries.count + 16)
    }

    /// No samples.
    package init() {}
}
