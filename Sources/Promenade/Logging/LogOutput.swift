import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Where log lines go. A reader of a pipe that has stopped (a pager, a collector that hangs) must not stop the stack: lines for which
/// there is no room are left out, and the next one that gets through says how many. A terminal that is held is no trouble; one whose
/// program hangs may still be, as it says that it has room when it has little.
package final class LogOutput: Sendable {
    /// The standard error.
    static let standardError = LogOutput(descriptor: 2)

    /// What a pipe that can be written to takes at once without waiting for its reader (Linux's `PIPE_BUF`).
    private static let pipeRoom = 4096

    private let descriptor: Int32
    private let lost = Mutex(0)

    /// Lines go to an open file.
    package init(descriptor: Int32) { self.descriptor = descriptor }

    /// Writes a line, which ends with a newline, in one piece, so that lines of several threads do not mix. Does not wait for a pipe's reader;
    /// of a line that is longer than a pipe takes at once only the beginning is written there.
    package func write(_ line: String) {
        lost.withLock { lost in
            if lost > 0, hasRoom {
                put("level=WARN msg=\"log lines were left out, since nobody read them\" count=\(lost)\n")
                lost = 0
            }
            if hasRoom { put(line) } else { lost += 1 }
        }
    }

    /// Whether a write does not wait. What cannot be asked is told by the write.
    private var hasRoom: Bool {
        var state = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&state, 1, 0) != 0
    }

    /// Whether it is a pipe, a terminal or a socket, which somebody reads.
    private var hasReader: Bool { lseek(descriptor, 0, SEEK_CUR) < 0 }

    private func put(_ text: String) {
        var bytes = Array(text.utf8)
        if bytes.count > Self.pipeRoom, hasReader {
            bytes.removeLast(bytes.count - Self.pipeRoom)
            bytes[Self.pipeRoom - 1] = UInt8(ascii: "\n")
        }
        #if canImport(Darwin)
            _ = Darwin.write(descriptor, bytes, bytes.count)
        #else
            _ = Glibc.write(descriptor, bytes, bytes.count)
        #endif
    }
}
