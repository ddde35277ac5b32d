import NIOCore

/// How much of what a client sends is taken in before others get their turn.
///
/// A loop takes something of every connection that has something. Of requests in a row, or chunks of a byte each, 64 KiB are ten
/// milliseconds of work, and a hundred such connections kept a new one waiting for a second. A body of known length costs little
/// however much of it is taken at a time.
struct ReadPortion {
    /// Of heads, and of bodies whose length only their chunks tell.
    private static let usual = 2048
    /// Of a body of known length.
    private static let wide = 64 << 10

    private let options: any NIOSynchronousChannelOptions
    private var isWide = false

    /// What is taken of a connection; to be used on its loop.
    init?(_ channel: any Channel) {
        guard let options = channel.syncOptions else { return nil }
        self.options = options
        try? options.setOption(.maxMessagesPerRead, value: 1)
        set(Self.usual)
    }

    /// A body of so many bytes is to come; `nil` for chunks.
    mutating func begin(_ length: Int?) {
        let isWide = (length ?? 0) > Self.usual
        if isWide != self.isWide { set(isWide ? Self.wide : Self.usual) }
        self.isWide = isWide
    }

    /// The request is there.
    mutating func end() { begin(nil) }

    private func set(_ size: Int) {
        try? options.setOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: size))
    }
}
