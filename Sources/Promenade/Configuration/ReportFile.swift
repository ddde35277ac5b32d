import MetricModel

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A file that a command writes when it is done. Whether it can be written is known before; what is there already stays until there is
/// room for all of the new text.
package struct ReportFile: Sendable {
    /// Why one cannot be written.
    package struct Refusal: Error, CustomStringConvertible {
        /// In words.
        package let description: String

        /// For the reason that the system gives.
        package init(_ path: String, _ number: Int32 = lastErrorNumber()) {
            description = "cannot write \(path): \(String(cString: strerror(number)).lowercased())"
        }
    }

    /// How it comes there.
    private enum Way {
        /// As another file that is then called so.
        case renamed
        /// In place, so that it stays the same file with its owner and its links, when a file beside it has had room for it.
        case overwritten
        /// In place: it is a device or a pipe, or its folder takes no other file.
        case inPlace
    }

    private let path: String
    private let way: Way

    /// - Throws: ``Refusal`` where it cannot be written.
    package init(_ path: String) throws(Refusal) {
        self.path = path
        guard let facts = FileFacts(path: path) else {
            let reason = lastErrorNumber()
            guard reason == ENOENT else { throw Refusal(path, reason) }
            way = .renamed
            // Whether a folder takes a file is known where it has taken one.
            let probe = Self.beside(path)
            let descriptor = open(probe, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw Refusal(path) }
            close(descriptor)
            unlink(probe)
            return
        }
        if facts.kind == .folder { throw Refusal(path, EISDIR) }
        guard access(path, W_OK) == 0 else { throw Refusal(path) }
        let isInFolder = access(FilePath.folder(of: path), W_OK | X_OK) == 0
        way = facts.kind == .file && isInFolder ? .overwritten : .inPlace
    }

    private static func beside(_ path: String) -> String { "\(path).\(getpid()).new" }

    /// Writes it.
    /// - Throws: ``Refusal`` where that fails; what was there before is there still, but for what is written in place.
    package func write(_ text: String) throws(Refusal) {
        let new = Self.beside(path)
        switch way {
        case .inPlace: return try Self.write(text, to: path, O_TRUNC, path)
        case .renamed, .overwritten: break
        }
        defer { unlink(new) }
        try Self.write(text, to: new, O_CREAT | O_EXCL, path)
        if way == .overwritten {
            // The room that it had is that of the file itself.
            unlink(new)
            return try Self.write(text, to: path, O_TRUNC, path)
        }
        guard rename(new, path) == 0 else { throw Refusal(path) }
    }

    private static func write(_ text: String, to file: String, _ flags: Int32, _ path: String) throws(Refusal) {
        let descriptor = open(file, O_WRONLY | O_CLOEXEC | flags, 0o666)
        guard descriptor >= 0 else { throw Refusal(path) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { bytes in
                #if canImport(Darwin)
                    Darwin.write(descriptor, bytes.baseAddress, bytes.count)
                #else
                    Glibc.write(descriptor, bytes.baseAddress, bytes.count)
                #endif
            }
            if count < 0, lastErrorNumber() == EINTR { continue }
            guard count > 0 else {
                let reason = lastErrorNumber()
                close(descriptor)
                throw Refusal(path, reason)
            }
            rest.removeFirst(count)
        }
        guard close(descriptor) == 0 else { throw Refusal(path) }
    }
}
