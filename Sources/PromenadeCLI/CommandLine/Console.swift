import MetricModel
import Promenade
import Synchronization
import Web

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Lines to the standard error.
enum Complaint {
    /// The most bytes of a line that are told: what is wrong with a file may have its whole line in it.
    private static let longestLine = 4096

    /// As it is told: without what a terminal would take for more, and no line longer than that.
    fileprivate static func told(_ text: String) -> String {
        let lines = TerminalText.lines(text).split(separator: "\n", omittingEmptySubsequences: false)
        return "\(ProgramName.called): \(lines.map { String($0).shortened(to: longestLine) }.joined(separator: "\n"))\n"
    }

    static func write(_ text: String) {
        var line = told(text)
        line.withUTF8 { bytes in _ = Console.write(2, bytes) }
    }

    /// Something worth knowing that is no complaint.
    static func remark(_ text: String) {
        var line = TerminalText.lines(text) + "\n"
        line.withUTF8 { bytes in _ = Console.write(2, bytes) }
    }
}

/// The process's streams.
enum Console {
    /// The number of the first error of a write to the standard output; 0 for none.
    private static let outputError = Atomic<Int32>(0)

    /// Why not all that was to be told has got through to the standard output; `nil` where it has.
    static var failure: String? {
        let number = outputError.load(ordering: .relaxed)
        return number == 0 ? nil : String(cString: strerror(number)).lowercased()
    }

    /// Notes that something could not be written to the standard output.
    static func fail(_ number: Int32) {
        _ = outputError.compareExchange(expected: 0, desired: number, ordering: .relaxed)
    }

    /// Writes all of it.
    @discardableResult
    static func write(_ descriptor: Int32, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var rest = UnsafeRawBufferPointer(bytes)
        while !rest.isEmpty {
            #if canImport(Darwin)
                let count = Darwin.write(descriptor, rest.baseAddress, rest.count)
            #else
                let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            #endif
            if count < 0, errno == EINTR { continue }
            if count <= 0 {
                if descriptor == 1 { fail(errno) }
                return false
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        return true
    }

    /// Writes a text to the standard output.
    static func print(_ text: String) {
        var text = text
        text.withUTF8 { bytes in _ = write(1, bytes) }
    }

    /// So many milliseconds whoever reads the streams may take, where something goes on meanwhile, or is to end.
    private static let patience: Int32 = 500

    /// Writes a text to the standard output, by who does not stand still where nobody reads it.
    static func tell(_ text: String) {
        LogOutput.standardOutput.tell(text, patience: patience)
        if let number = LogOutput.standardOutput.failure { fail(number) }
    }

    /// Writes a line to the standard error, by who does not stand still where nobody reads it.
    static func warn(_ text: String) {
        LogOutput.standardError.tell(Complaint.told(text), patience: patience)
    }

    /// Writes a text of others to the standard output, on which it does nothing to a terminal.
    static func show(_ text: String) { print(TerminalText.lines(text)) }

    /// Writes an object of JSON as a line to the standard output; it does nothing to a terminal either.
    static func showJSON(_ text: String) { print(TerminalText.json(text) + "\n") }

    /// Writes a text to the standard error.
    static func complain(_ text: String) {
        var text = text
        text.withUTF8 { bytes in _ = write(2, bytes) }
    }

    /// The contents of a file; `-` is the standard input.
    /// - Parameter limit: the most bytes.
    static func read(_ path: String, limit: Int = FileReading.sizeLimit) throws -> [UInt8] {
        // One reader for all: a folder, or a file that breaks off, is no empty file.
        guard let bytes = FileAccess.readNamed(path == "-" ? "/dev/stdin" : path, limit: limit) else {
            throw ReadingFailed(path: path, reason: FileReading.reason(limit))
        }
        return bytes
    }

    /// Writes a text to a file; `-` is the standard output.
    static func save(_ text: String, to path: String) throws(ReportFile.Refusal) {
        if path == "-" { print(text) } else { try ReportFile(path).write(text) }
    }

    /// Whether a person looks at the stream.
    static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }
}

/// A file that cannot be read.
struct ReadingFailed: Error, CustomStringConvertible {
    var path: String
    var reason: String
    var description: String { "cannot read \(path): \(reason)" }
}
