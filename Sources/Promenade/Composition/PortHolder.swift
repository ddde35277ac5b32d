#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The process that listens on a port of this machine.
public struct PortHolder: Sendable, Hashable, CustomStringConvertible {
    /// Its number.
    public var pid: Int32
    /// The name of its program.
    public var program: String

    /// `python3 (pid 4711)`.
    public var description: String { "\(program) (pid \(pid))" }

    /// Who listens on a port; `nil` where the system does not tell, as on systems without `/proc` or of another user's process.
    static func find(port: Int) -> PortHolder? {
        let sockets = Set(
            ["/proc/net/tcp", "/proc/net/tcp6"].flatMap { table in
                (FileAccess.read(table)).map { listeners(on: port, in: String(decoding: $0, as: UTF8.self)) } ?? []
            }
        )
        guard !sockets.isEmpty, let processes = opendir("/proc") else { return nil }
        defer { closedir(processes) }
        while let entry = readdir(processes) {
            guard let pid = Int32(name(of: entry)), has(pid, oneOf: sockets) else { continue }
            let program = FileAccess.read("/proc/\(pid)/comm").map { String(decoding: $0, as: UTF8.self) } ?? ""
            return PortHolder(pid: pid, program: program.isEmpty ? "a program" : String(program.prefix { $0 != "\n" }))
        }
        return nil
    }

    /// The inodes of sockets that listen on a port, in a table as `/proc/net/tcp` has it.
    package static func listeners(on port: Int, in table: String) -> [String] {
        let digits = String(port, radix: 16, uppercase: true)
        let wanted = ":" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        return table.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ")
            // 0A is the state of those that listen.
            guard fields.count > 9, fields[1].hasSuffix(wanted), fields[3] == "0A" else { return nil }
            return String(fields[9])
        }
    }

    private static func has(_ pid: Int32, oneOf sockets: Set<String>) -> Bool {
        guard let files = opendir("/proc/\(pid)/fd") else { return false }
        defer { closedir(files) }
        while let entry = readdir(files) {
            var target = [UInt8](repeating: 0, count: 64)
            let count = target.withUnsafeMutableBytes { buffer in
                guard let start = buffer.assumingMemoryBound(to: CChar.self).baseAddress else { return 0 }
                return readlink("/proc/\(pid)/fd/\(name(of: entry))", start, buffer.count)
            }
            guard count > 9 else { continue }
            let text = String(decoding: target[..<count], as: UTF8.self)
            if text.hasPrefix("socket:["), sockets.contains(String(text.dropFirst(8).dropLast())) { return true }
        }
        return false
    }

    private static func name(of entry: UnsafeMutablePointer<dirent>) -> String {
        withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            pointer.withMemoryRebound(to: CChar.self, capacity: 1) { String(cString: $0) }
        }
    }
}
