#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Reads whole files whose paths come from a configuration, from a folder that others write to, or from a command line. What is no file
/// (a pipe that nobody writes to, a device without end) must not hold up whoever reads it.
public enum FileReading {
    /// The largest file that is taken, in bytes.
    public static let sizeLimit = 64 << 20

    /// How long a pipe is waited on.
    public enum Patience: Sendable {
        /// A pipe is not read.
        case none
        /// Some seconds, for each piece.
        case short
        /// For as long as it takes.
        case endless

        /// As `poll` has it, in milliseconds.
        fileprivate var milliseconds: Int32 {
            switch self {
            case .none: 0
            case .short: 10_000
            case .endless: -1
            }
        }
    }

    /// The contents of a file; `nil` where it cannot be read (``failure(reading:)`` says why).
    /// - Parameters:
    ///   - path: where it is.
    ///   - pipes: how long it is waited for where it is a pipe, a terminal or a socket.
    ///   - limit: the most bytes that are taken.
    public static func bytes(of path: String, pipes: Patience = .none, limit: Int = sizeLimit) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { return nil }
        let bytes = bytes(from: descriptor, pipes, limit)
        let kept = errno
        close(descriptor)
        errno = kept
        return bytes
    }

    private static func bytes(from descriptor: Int32, _ pipes: Patience, _ limit: Int) -> [UInt8]? {
        guard let facts = FileFacts(descriptor: descriptor) else { return nil }
        switch facts.kind {
        case .pipe, .socket:
            // Whoever writes to it may not have opened it yet: nothing is not its end.
            guard waits(descriptor, pipes) else { return nil }
        case .file, .folder, .other: break
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count == 0 { return bytes }
            if count < 0 {
                guard errno == EINTR || errno == EAGAIN && waits(descriptor, pipes) else { return nil }
                continue
            }
            guard count <= limit - bytes.count else {
                errno = EFBIG
                return nil
            }
            bytes.append(contentsOf: chunk[..<count])
        }
    }

    /// Whether there is something to be read in time; where not, `errno` says why.
    private static func waits(_ descriptor: Int32, _ pipes: Patience) -> Bool {
        switch pipes {
        case .none: errno = notAFile
        case .short, .endless:
            var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            while true {
                let count = poll(&state, 1, pipes.milliseconds)
                if count > 0 { return true }
                if count == 0 { errno = ETIMEDOUT }
                if count == 0 || errno != EINTR { break }
            }
        }
        return false
    }

    /// The number of what the system has no error for; opening and reading have no use for it.
    private static let notAFile = ESPIPE

    /// Why a file could not be read, by the last error's number, as Go tells it: a folder is opened, but not read.
    public static func failure(reading path: String, limit: Int = sizeLimit) -> String {
        "\([EISDIR, EFBIG, EIO].contains(errno) ? "read" : "open") \(path): \(reason(limit))"
    }

    /// Why a file could not be read, by the last error's number.
    public static var reason: String { reason(sizeLimit) }

    /// Why a file, of which no more than so many bytes were to be taken, could not be read, by the last error's number.
    public static func reason(_ limit: Int) -> String {
        switch errno {
        case notAFile: "not a regular file"
        case EFBIG: "larger than \(limit < 1 << 20 ? "\(limit >> 10) KiB" : "\(limit >> 20) MiB")"
        default: String(cString: strerror(errno)).lowercased()
        }
    }
}

/// Why something could not be done with a file, worded as Go words it.
public struct FileError: Error, CustomStringConvertible {
    /// What was done, with which file, and why it failed.
    public let description: String

    /// What the last error's number says.
    public init(_ operation: String, _ path: String) {
        description = "\(operation) \(path): \(FileReading.reason)"
    }

    /// A file, of which no more than so many bytes were to be taken, could not be read: what the last error's number says.
    public init(reading path: String, limit: Int = FileReading.sizeLimit) {
        description = FileReading.failure(reading: path, limit: limit)
    }
}
