import Promenade
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Log lines that nobody reads.
@Suite(.timeLimit(.minutes(5))) struct LogOutputTests {
    @Test func `a reader that has stopped keeps nobody waiting, and is told later what it missed`() {
        var ends: [Int32] = [0, 0]
        pipe(&ends)
        defer { for end in ends { close(end) } }
        let output = LogOutput(descriptor: ends[1])
        let line = String(repeating: "x", count: 99) + "\n"
        // Many more than a pipe holds.
        for _ in 0..<10_000 { output.write(line) }
        let seen = read(ends[0])
        #expect(seen.count > 100 && seen.count < 10_000)
        output.write("again\n")
        let rest = read(ends[0])
        let missed = 10_000 - seen.count
        #expect(rest.count == 2 && rest[0].hasSuffix("count=\(missed)") && rest[1] == "again")
        output.write(String(repeating: "y", count: 10_000) + "\n")
        #expect(read(ends[0]).map(\.count) == [4095])
    }

    /// The lines that are there.
    private func read(_ descriptor: Int32) -> [Substring] {
        var bytes: [UInt8] = []
        var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while poll(&state, 1, 0) > 0 {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = take(descriptor, &buffer)
            if count <= 0 { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    }

    private func take(_ descriptor: Int32, _ buffer: inout [UInt8]) -> Int {
        #if canImport(Darwin)
            Darwin.read(descriptor, &buffer, buffer.count)
        #else
            Glibc.read(descriptor, &buffer, buffer.count)
        #endif
    }
}
