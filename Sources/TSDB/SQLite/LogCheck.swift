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
    /// The form of the log's index, https://www.sqlite.org/walformat.html
    private static let indexVersion: UInt32 = 3_007_000

    /// How many frames behind the sound ones are looked at: what an end left behind is a transaction, not more.
    private static let mostLeftBehind = 65_536

    /// What was lost, in words; `nil` where the log is sound. To be asked before the file is opened.
    static func damage(_ path: String) -> String? {
        // Of one that is there and cannot be read nobody can say anything.
        guard let log = LogFile(path + "-wal") else { return FileIdentity(path + "-wal") == nil ? cut(path) : nil }
        defer { log.end() }
        guard log.size > headerSize else { return cut(path) }
        return log.with(0, headerSize) { header in
            let pageSize = Int(word(header, 8))
            var sums = (UInt32(0), UInt32(0))
            let isBigEndian = word(header, 0) & 1 == 1
            add(header, 0..<24, isBigEndian, &sums)
            guard word(header, 0) & ~1 == 0x377f_0682, pageSize >= 512, pageSize <= 65536, isPowerOfTwo(pageSize),
                sums == (word(header, 24), word(header, 28))
            else { return whole(log) ?? cut(path) }
            let salts = header.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
            let size = frameHeaderSize + pageSize
            let frames = (log.size - headerSize) / size
            var sound = 0
            var committed = 0
            while sound < frames {
                let isSound = log.with(headerSize + sound * size, size) { frame in
                    guard salts == frame.loadUnaligned(fromByteOffset: 8, as: UInt64.self) else { return false }
                    add(frame, 0..<8, isBigEndian, &sums)
                    add(frame, frameHeaderSize..<size, isBigEndian, &sums)
                    guard sums == (word(frame, 16), word(frame, 20)) else { return false }
                    if word(frame, 4) != 0 { committed = sound + 1 }
                    return true
                }
                guard isSound ?? false else { break }
                sound += 1
            }
            // Behind the first page that is not sound there is nothing, or what an end at this moment left behind; a commit there
            // had been acknowledged.
            var last = committed
            if let acknowledged = acknowledged(path, salts) {
                last = max(last, acknowledged)
            } else {
                for number in sound..<max(sound, min(frames, sound + mostLeftBehind)) {
                    let isCommit = log.with(headerSize + number * size, frameHeaderSize) { frame in
                        salts == frame.loadUnaligned(fromByteOffset: 8, as: UInt64.self) && word(frame, 4) != 0
                    }
                    if isCommit ?? false { last = number + 1 }
                }
            }
            if last <= committed { return nil }
            return "the write-ahead log is damaged behind its page \(committed): \(last - committed) page(s) are lost"
        } ?? nil
    }

    private static func whole(_ log: LogFile) -> String? {
        // A log that was used up starts with zeros.
        let length = min(log.size, mostLeftBehind * 4096)
        let isUsedUp = stride(from: 0, to: length, by: LogFile.windowSize).allSatisfy { start in
            log.with(start, min(LogFile.windowSize, length - start)) { $0.allSatisfy { $0 == 0 } } ?? true
        }
        return isUsedUp ? nil : "the write-ahead log is damaged from its beginning: \(log.size / 4096) page(s) are lost"
    }

    /// Of a log without pages, or one that is gone, the last process knew of some that are not in the database.
    private static func cut(_ path: String) -> String? {
        guard let index = LogFile(path + "-shm") else { return nil }
        defer { index.end() }
        return index.with(0, 136) { index in
            let version = index.loadUnaligned(fromByteOffset: 0, as: UInt32.self)
            let pages = index.loadUnaligned(fromByteOffset: 16, as: UInt32.self)
            let stored = index.loadUnaligned(fromByteOffset: 96, as: UInt32.self)
            guard version == indexVersion, pages > stored else { return nil }
            return "the write-ahead log was cut short or removed: \(pages - stored) page(s) are lost"
        } ?? nil
    }

    /// How many pages the last process knew of, if that was this log.
    private static func acknowledged(_ path: String, _ salts: UInt64) -> Int? {
        guard let index = LogFile(path + "-shm") else { return nil }
        defer { index.end() }
        // Written in the machine's order, but for the salts, which are copied.
        return index.with(0, 48) { index in
            salts == index.loadUnaligned(fromByteOffset: 32, as: UInt64.self)
                ? Int(index.loadUnaligned(fromByteOffset: 16, as: UInt32.self)) : nil
        } ?? nil
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
}

/// A file that is read through a window, as it may be longer than there is memory.
private final class LogFile {
    /// How much of it is in memory.
    static let windowSize = 1 << 20

    let size: Int
    private let descriptor: Int32
    private var window: [UInt8] = []
    private var start = 0

    /// `nil` where nobody can read it.
    init?(_ path: String) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { return nil }
        size = Int(fileSize(path))
    }

    func end() { close(descriptor) }

    /// Gives a part of it, a window long at most; `nil` where the file is shorter.
    func with<Result>(_ offset: Int, _ count: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
        if offset < start || offset + count > start + window.count { move(to: offset) }
        guard count <= window.count else { return nil }
        // Held, as what is done with it may move the window on.
        let (held, first) = (window, offset - start)
        return held.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[first..<first + count])) }
    }

    private func move(to offset: Int) {
        start = offset
        let length = max(0, min(size - offset, Self.windowSize))
        window = [UInt8](unsafeUninitializedCapacity: length) { [descriptor] buffer, count in
            while count < length {
                let rest = length - count
                let more = pread(descriptor, buffer.baseAddress.map { $0 + count }, rest, off_t(offset + count))
                if more <= 0 { break }
                count += more
            }
        }
    }
}
