import ArgumentParser
import Exposition
import MetricModel
import TSDB

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

extension TSDBGroup {
    /// `tsdb import FILE…`
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Take samples with timestamps out of OpenMetrics files, of any size, past the running server's path."
        )
        @OptionGroup var place: Place

        @Argument(help: "The files.")
        var files: [String]

        func run() async throws {
            if mkdir(place.path, 0o777) != 0, errno != EEXIST {
                throw ReadingFailed(path: place.path, reason: String(cString: strerror(errno)).lowercased())
            }
            let clock = SystemClock()
            let start = clock.steadyNanoseconds
            let store = try SQLiteStore.open(path: place.file, options: Self.options, clock: clock)
            var samples: Int64 = 0
            var bytes: Int64 = 0
            for file in files {
                let mapped = try MappedFile(file)
                let summary = try await Self.load(mapped, file, into: store)
                samples += summary.samples
                bytes += summary.bytes
            }
            try await store.close()
            let seconds = Double(clock.steadyNanoseconds - start) / 1e9
            Console.print("\(samples) samples, \(bytes) bytes, \(Double(Int(seconds * 100)) / 100) s\n")
        }

        /// Nothing that is imported is thrown away for its age.
        private static var options: StoreOptions {
            var options = StoreOptions()
            options.retention = nil
            return options
        }

        private static func load(_ file: MappedFile, _ name: String, into store: SQLiteStore) async throws
            -> Importer.Summary
        {
            var importer = try store.importer()
            var parser = ScrapeParser(file.bytes, format: .openMetrics)
            var known: [Labels: SeriesRef] = [:]
            var current = SeriesRef(rawValue: 0)
            var lead = UnsafeRawBufferPointer(start: nil, count: 0)
            var families: [String: MetricMetadata] = [:]
            while true {
                // Most samples belong to the series of the one before.
                if lead.count > 0, parser.advance(over: lead) {
                    guard let time = parser.timestamp else { throw ImportFailed(file: name, labels: "") }
                    importer.append(current, time, parser.value)
                    if importer.isFull { try await importer.flush() }
                    continue
                }
                guard let entry = try parser.next() else { break }
                switch entry {
                case .series:
                    let labels = parser.labels()
                    guard let time = parser.timestamp else {
                        throw ImportFailed(file: name, labels: labels.description)
                    }
                    if let reference = known[labels] {
                        current = reference
                    } else {
                        current = try await importer.resolve([labels])[0]
                        known[labels] = current
                    }
                    lead = parser.leadBytes
                    importer.append(current, time, parser.value)
                    if importer.isFull { try await importer.flush() }
                case .type: families[parser.familyName, default: MetricMetadata()].type = parser.familyType
                case .help: families[parser.familyName, default: MetricMetadata()].help = parser.familyText
                case .unit: families[parser.familyName, default: MetricMetadata()].unit = parser.familyText
                case .comment, .histogram: break
                }
            }
            let summary = try await importer.finish()
            try await store.record(families.map { ($0.key, $0.value) })
            return summary
        }
    }
}

/// A sample that cannot be imported.
struct ImportFailed: Error, CustomStringConvertible {
    var file: String
    var labels: String
    var description: String { "\(file): expected timestamp for series \(labels), got none" }
}

/// A file in memory, read as it is needed.
final class MappedFile {
    let bytes: UnsafeRawBufferPointer

    init(_ path: String) throws {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else {
            throw ReadingFailed(path: path, reason: String(cString: strerror(errno)).lowercased())
        }
        defer { close(descriptor) }
        var info = stat()
        guard fstat(descriptor, &info) == 0 else {
            throw ReadingFailed(path: path, reason: String(cString: strerror(errno)).lowercased())
        }
        let count = Int(info.st_size)
        guard count > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let address, address != MAP_FAILED else {
            throw ReadingFailed(path: path, reason: String(cString: strerror(errno)).lowercased())
        }
        madvise(address, count, MADV_SEQUENTIAL)
        bytes = UnsafeRawBufferPointer(start: address, count: count)
    }

    deinit {
        if let address = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: address), bytes.count) }
    }
}
