import MetricModel

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Looks at SQLite's write-ahead log before SQLite does, which drops everything from the first damaged page on without a word.
///
/// The form of the file: https://www.sqlite.org/fileformat2.html#walformat
enum LogCheck {
    private static let headerSize = 32
    private static let frameHeaderSize = 24

    /// What was lost, in words; `nil` where the log is sound. To be asked before the file is opened.
    static func damage(_ path: String) -> String? {
        guard let bytes = read(path + "-wal"), bytes.count > headerSize else { return nil }
        return bytes.withUnsafeBytes { log in
            let pageSize = Int(word(log, 8))
            guard word(log, 0) & ~1 == 0x377f_0682, pageSize >= 512, pageSize <= 65536, isPowerOfTwo(pageSize) else {
                return whole(log)
            }
            let isBigEndian = word(log, 0) & 1 == 1
            var sums = (UInt32(0), UInt32(0))
            add(log, 0..<24, isBigEndian, &sums)
            guard sums == (word(log, 24), word(log, 28)) else { return whole(log) }
            let size = frameHeaderSize + pageSize
            let frames = (log.count - headerSize) / size
            var sound = 0
            var committed = 0
            while sound < frames {
                let start = headerSize + sound * size
                guard isCurrent(log, start) else { break }
                add(log, start..<start + 8, isBigEndian, &sums)
                add(log, start + frameHeaderSize..<start + size, isBigEndian, &sums)
                guard sums == (word(log, start + 16), word(log, start + 20)) else { break }
                sound += 1
                if word(log, start + 4) != 0 { committed = sound }
            }
            // Behind the first page that is not sound there is nothing, or what an end at this moment left behind; a commit there
            // had been acknowledged.
            var last = committed
            if let acknowledged = acknowledged(path, log) {
                last = max(last, acknowledged)
            } else {
                for frame in sound..<max(sound, frames) {
                    let start = headerSize + frame * size
                    if isCurrent(log, start), word(log, start + 4) != 0 { last = frame + 1 }
                }
            }
            if last <= committed { return nil }
            return "the write-ahead log is damaged behind its page \(committed): \(last - committed) page(s) are lost"
        }
    }

    private static func whole(_ log: UnsafeRawBufferPointer) -> String? {
        // A log that was used up starts with zeros.
        guard log.contains(where: { $0 != 0 }) else { return nil }
        return "the write-ahead log is damaged from its beginning: \(log.count / 4096) page(s) are lost"
    }

    /// How many pages the last process knew of, if that was this log.
    private static func acknowledged(_ path: String, _ log: UnsafeRawBufferPointer) -> Int? {
        guard let index = read(path + "-shm", limit: 48), index.count == 48 else { return nil }
        return index.withUnsafeBytes { index in
            // Written in the machine's order, but for the salts, which are copied.
            let salts = index.loadUnaligned(fromByteOffset: 32, as: UInt64.self)
            guard salts == log.loadUnaligned(fromByteOffset: 16, as: UInt64.self) else { return nil }
            return Int(index.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
        }
    }

    /// Whether a frame belongs to this round of the log, by its salts.
    private static func isCurrent(_ log: UnsafeRawBufferPointer, _ start: Int) -> Bool {
        log.loadUnaligned(fromByteOffset: start + 8, as: UInt64.self)
            == log.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
    }

    private static func add(
        _ log: UnsafeRawBufferPointer,
        _ range: Range<Int>,
        _ isBigEndian: Bool,
        _ sums: inout (UInt32, UInt32)
    ) {
        var (first, second) = sums
        for offset in stride(from: range.lowerBound, to: range.upperBound, by: 8) {
            let left = log.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
            let right = log.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
            first = first &+ (isBigEndian ? left.bigEndian : left.littleEndian) &+ second
            second = second &+ (isBigEndian ? right.bigEndian : right.littleEndian) &+ first
        }
        sums = (first, second)
    }

    private static func word(_ log: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
        log.loadUnaligned(fromByteOffset: offset, as: UInt32.self).bigEndian
    }

    private static func isPowerOfTwo(_ number: Int) -> Bool { number & (number - 1) == 0 }

    private static func read(_ path: String, limit: Int = .max) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let size = min(Int(fileSize(path)), limit)
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let more = pread(descriptor, buffer.baseAddress.map { $0 + count }, size - count, off_t(count))
                if more <= 0 { break }
                count += more
            }
        }
    }
}
