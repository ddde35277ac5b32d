import MetricModel
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
        for _ in 0..<10_000 { write(line, to: output) }
        let seen = read(ends[0])
        #expect(seen.count > 100 && seen.count < 10_000)
        write("again\n", to: output)
        let rest = read(ends[0])
        let missed = 10_000 - seen.count
        #expect(rest == ["lost \(missed)", "again"])
    }

    @Test func `of a line that is longer than a pipe the rest comes with the next line`() {
        var ends: [Int32] = [0, 0]
        pipe(&ends)
        defer { for end in ends { close(end) } }
        let output = LogOutput(descriptor: ends[1])
        let line = String(repeating: "y", count: 100_000)
        write(line + "\n", to: output)
        write("lost\n", to: output)
        let first = read(ends[0])
        write("again\n", to: output)
        #expect(first.count == 1 && first.joined() + read(ends[0]).joined(separator: ",") == line + ",lost 1,again")
    }

    @Test func `what is told once waits for no reader who has stopped, and is not lost`() {
        var ends: [Int32] = [0, 0]
        pipe(&ends)
        defer { for end in ends { close(end) } }
        let output = LogOutput(descriptor: ends[1])
        let line = String(repeating: "x", count: 99) + "\n"
        for _ in 0..<10_000 { write(line, to: output) }
        output.tell("an end\n", patience: 1)
        #expect(!read(ends[0]).contains("an end"))
        output.tell("of two lines\n", patience: 1)
        #expect(read(ends[0]) == ["an end", "of two lines"])
    }

    #if os(Linux)
        @Test func `a terminal whose program hangs keeps nobody waiting`() throws {
            let program = open("/dev/ptmx", O_RDWR | O_NOCTTY)
            defer { close(program) }
            // As `grantpt` and `unlockpt` do it, which are not there for Swift.
            var (isLocked, number): (Int32, UInt32) = (0, 0)
            try #require(ioctl(program, 0x4004_5431, &isLocked) == 0 && ioctl(program, 0x8004_5430, &number) == 0)
            let terminal = open("/dev/pts/\(number)", O_WRONLY | O_NOCTTY)
            defer { close(terminal) }
            let output = LogOutput(descriptor: terminal)
            let before = fcntl(terminal, F_GETFL)
            for number in 0..<10_000 { write("line \(number)\n", to: output) }
            // What others have opened, too, is as it was.
            #expect(fcntl(terminal, F_GETFL) == before)
            let seen = read(program)
            #expect(seen.count > 10 && seen.count < 10_000)
            write("again\n", to: output)
            #expect(read(program).last?.hasPrefix("again") == true)
        }
    #endif

    private func write(_ line: String, to output: LogOutput) { output.write(line) { "lost \($0)\n" } }

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
        // A terminal ends lines with a carriage return, too.
        bytes.removeAll { $0 == UInt8(ascii: "\r") }
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
