#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What the process knows about itself.
package enum ProcessEnvironment {
    /// The environment's variables.
    package static var all: [String: String] {
        var result: [String: String] = [:]
        #if canImport(Darwin)
            var entry = _NSGetEnviron().pointee
        #else
            var entry = environ
        #endif
        while let line = entry.pointee {
            let text = String(cString: line)
            if let equals = text.firstIndex(of: "=") {
                result[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            entry += 1
        }
        return result
    }

    /// The working folder.
    static var workingFolder: String {
        guard let path = getcwd(nil, 0) else { return "" }
        defer { free(path) }
        return String(cString: path)
    }

    /// The machine's name.
    static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "" }
        return name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    }

    /// How many threads the process has; 1 where the system does not tell.
    static var threads: Int {
        guard let status = FileAccess.read("/proc/self/status") else { return 1 }
        for line in String(decoding: status, as: UTF8.self).split(separator: "\n") where line.hasPrefix("Threads:") {
            return Int(line.dropFirst(8).filter { $0.isNumber }) ?? 1
        }
        return 1
    }

    /// How many processors there are.
    static var processors: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}

/// The number of the last error that the system told this thread.
package func lastErrorNumber() -> Int32 { errno }
