import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Where log lines go. A reader that has stopped (a pager, a collector or a terminal that hangs) must not stop the stack: lines for which
/// there is no room are left out, and the next one that gets through says how many.
package final class LogOutput: Sendable {
    /// The standard error.
    package static let standardError = LogOutput(descriptor: 2)
    /// The standard output, for what is told on the way by who must not wait for its reader.
    package static let standardOutput = LogOutput(descriptor: 1)

    /// What a pipe that can be written to takes at once without waiting for its reader (`PIPE_BUF`).
    private static let pipeRoom = Int(PIPE_BUF)

    private struct State {
        var lost = 0
        /// What is missing of a line of which a part was written.
        var rest: ArraySlice<UInt8> = []
        /// The number of the first error that was none of a reader that has gone.
        var error: Int32?
    }

    /// What is still to be told.
    private let state = Mutex(State())
    /// What is written to.
    private let descriptor: Int32
    /// Whether a write to it never waits. What others have opened is left as it is, so that is said of a description of one's own.
    private let isPrompt: Bool
    /// Whether the file is closed with this.
    private let isOwned: Bool
    /// Whether it is a pipe, a terminal or a socket, which somebody reads.
    private let hasReader: Bool

    /// Lines go to an open file.
    package init(descriptor: Int32) {
        hasReader = lseek(descriptor, 0, SEEK_CUR) < 0
        let own = hasReader ? Self.reopen(descriptor) : -1
        isPrompt = own >= 0
        isOwned = isPrompt
        self.descriptor = isPrompt ? own : descriptor
    }

    /// Lines go to a file that was opened for this, with `O_NONBLOCK`, and is closed with it.
    package init(owning descriptor: Int32) {
        hasReader = lseek(descriptor, 0, SEEK_CUR) < 0
        isPrompt = hasReader
        isOwned = true
        self.descriptor = descriptor
    }

    deinit {
        if isOwned { close(descriptor) }
    }

    /// Opens the same pipe or terminal once more, so that writes to it do not wait; negative where that cannot be.
    private static func reopen(_ descriptor: Int32) -> Int32 {
        let flags = O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC
        var name = [CChar](repeating: 0, count: 1024)
        if isatty(descriptor) != 0 {
            return ttyname_r(descriptor, &name, name.count) == 0 ? open(name, flags) : -1
        }
        #if canImport(Darwin)
            // There the name of an open file leads to the description that others share.
            return -1
        #else
            return open("/proc/self/fd/\(descriptor)", flags)
        #endif
    }

    /// The number of the first error that lost something, as where a disk is full; `nil` for none, or where nobody reads any more.
    package var failure: Int32? { state.withLock { $0.error } }

    /// Writes a line, which ends with a newline, in one piece, so that lines of several threads do not mix. Does not wait for a reader: of a
    /// line that is longer than there is room for, the rest comes before the next line.
    /// - Parameters:
    ///   - patience: how long a reader may take that has read everything so far, in milliseconds.
    ///   - gap: a line that tells how many were left out.
    package func write(_ line: String, patience: Int32 = 0, gap: (_ count: Int) -> String) {
        state.withLock { state in
            if patience > 0, state.lost == 0, state.rest.isEmpty { _ = hasRoom(patience) }
            guard put(&state) else {
                state.lost += 1
                return
            }
            if state.lost > 0, put(gap(state.lost), &state) { state.lost = 0 }
            if state.lost > 0 || !state.rest.isEmpty || !put(line, &state) { state.lost += 1 }
        }
    }

    /// Writes a text of one or several lines that is told once. Waits for a reader who reads, and no longer than that for one who does not:
    /// then what is left comes before the next line.
    /// - Parameter patience: how long a reader may take to make room for a piece, in milliseconds.
    package func tell(_ text: String, patience: Int32) {
        state.withLock { state in
            state.rest += text.utf8
            while !put(&state), hasRoom(patience) {}
        }
    }

    /// Writes a line, at least in part; `false` where there is no room for any of it.
    private func put(_ line: String, _ state: inout State) -> Bool {
        let bytes = Array(line.utf8)
        state.rest = bytes[...]
        if put(&state) || state.rest.count < bytes.count { return true }
        state.rest = []
        return false
    }

    /// Writes what is left; `false` where something is left then.
    private func put(_ state: inout State) -> Bool {
        while !state.rest.isEmpty {
            if hasReader, !isPrompt, !hasRoom(0) { return false }
            let piece = hasReader && !isPrompt ? state.rest.prefix(Self.pipeRoom) : state.rest
            let count = Self.write(descriptor, piece)
            if count >= 0 {
                state.rest.removeFirst(count)
            } else if errno == EAGAIN {
                return false
            } else if errno != EINTR {
                // Nobody is there any more, or the disk is full: what cannot be written is not kept for later.
                if errno != EPIPE { state.error = state.error ?? errno }
                state.rest = []
            }
        }
        return true
    }

    /// Whether a write does not wait, now or before long. What cannot be asked is told by the write.
    private func hasRoom(_ patience: Int32) -> Bool {
        var state = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&state, 1, patience) != 0
    }

    private static func write(_ descriptor: Int32, _ bytes: ArraySlice<UInt8>) -> Int {
        bytes.withUnsafeBytes { bytes in
            #if canImport(Darwin)
                Darwin.write(descriptor, bytes.baseAddress, bytes.count)
            #else
                Glibc.write(descriptor, bytes.baseAddress, bytes.count)
            #endif
        }
    }
}
