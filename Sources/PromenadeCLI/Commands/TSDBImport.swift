import ArgumentParser
import MetricModel
import Promenade
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

        @Argument(help: "The files; - reads the standard input.")
        var files: [String]

        func run() async throws {
            if !FileAccess.createFolder(place.path) { throw ReportFile.Refusal(place.path) }
            let clock = SystemClock()
            let start = clock.steadyNanoseconds
            let store = try TimeSeriesDatabase.open(path: place.file, options: Self.options, clock: clock)
            var samples: Int64 = 0
            var bytes: Int64 = 0
            var duplicates: Int64 = 0
            for file in files {
                let mapped = try MappedFile(file, spool: place.path)
                let summary = try await Self.load(mapped, file == "-" ? "standard input" : file, into: store)
                samples += summary.samples
                bytes += summary.bytes
                duplicates += summary.duplicates
            }
            try await store.close()
            if duplicates > 0 {
                Complaint.write(
                    "\(duplicates) sample(s) were left out: their series had a sample at their time already, and the first counts"
                )
            }
            let seconds = Double(clock.steadyNanoseconds - start) / 1e9
            Console.print("\(samples) samples, \(bytes) bytes, \(Double(Int(seconds * 100)) / 100) s\n")
        }

        /// Nothing that is imported is thrown away for its age.
        private static var options: StoreOptions {
            var options = StoreOptions()
            options.retention = nil
            return options
        }

        private static func load(_ file: MappedFile, _ name: String, into store: TimeSeriesDatabase) async throws
            -> Importer.Summary
        {
            var loader = OpenMetricsLoader(file.bytes, name: name, importer: try store.importer())
            var line = ProgressLine("importing \(name)")
            while try await loader.step() {
                line.show(loader.progress)
                file.release(share: loader.progress)
            }
            line.finish()
            let families = loader.families.map { (family: $0.key, metadata: $0.value) }
            let summary = try await loader.finish()
            try await store.record(families)
            return summary
        }
    }
}

/// A file in memory, read as it is needed.
final class MappedFile {
    let bytes: UnsafeRawBufferPointer
    /// How many bytes at the beginning were let go of.
    private var released = 0
    private static let releaseStep = 32 << 20

    /// Maps a file. What cannot be mapped, such as the standard input (`-`), goes to a file without a name in `spool` first.
    init(_ path: String, spool: String) throws {
        var descriptor = path == "-" ? dup(0) : open(path, O_RDONLY)
        guard descriptor >= 0 else {
            throw ReadingFailed(path: path, reason: FileReading.reason)
        }
        defer { close(descriptor) }
        guard var facts = FileFacts(descriptor: descriptor) else {
            throw ReadingFailed(path: path, reason: FileReading.reason)
        }
        // Some files tell of no size, and have something in them nevertheless.
        if facts.kind != .file || facts.size == 0 {
            let source = descriptor
            descriptor = -1
            defer { close(source) }
            descriptor = try Self.spooled(source, path == "-" ? "the input" : path, spool)
            if let spooled = FileFacts(descriptor: descriptor) { facts = spooled }
        }
        let count = facts.size
        guard count > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let address, address != MAP_FAILED else {
            throw ReadingFailed(path: path, reason: FileReading.reason)
        }
        madvise(address, count, MADV_SEQUENTIAL)
        bytes = UnsafeRawBufferPointer(start: address, count: count)
    }

    /// Takes what was read out of the process's memory, a good deal at a time; it would be read again where it is asked for.
    func release(share: Double) {
        let done = Int(Double(bytes.count) * share) / Self.releaseStep * Self.releaseStep
        guard done > released, let start = bytes.baseAddress else { return }
        madvise(UnsafeMutableRawPointer(mutating: start), done, MADV_DONTNEED)
        released = done
    }

    /// Copies everything to a new file that is gone once it is closed.
    private static func spooled(_ source: Int32, _ name: String, _ folder: String) throws -> Int32 {
        var template = Array("\(folder)/import-XXXXXX".utf8CString)
        let target = mkstemp(&template)
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard target >= 0 else {
            throw ReadingFailed(path: path, reason: FileReading.reason)
        }
        unlink(path)
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(source, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            let isWritten =
                count <= 0
                || chunk.withUnsafeBufferPointer { Console.write(target, UnsafeBufferPointer(rebasing: $0[..<count])) }
            guard count >= 0, isWritten else {
                let reason = FileReading.reason
                close(target)
                throw ReadingFailed(path: count < 0 ? name : path, reason: reason)
            }
            if count == 0 { return target }
        }
    }

    deinit {
        if let address = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: address), bytes.count) }
    }
}
