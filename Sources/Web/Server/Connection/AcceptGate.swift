import MetricModel
import NIOCore
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Stands in a listening channel: takes in connections only while there is room for them.
final class AcceptGate: ChannelDuplexHandler, RemovableChannelHandler, Sendable {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel
    typealias OutboundIn = Never
    typealias OutboundOut = Never

    /// How long nothing is accepted where the system has no more files, in milliseconds.
    private static let pauseMilliseconds: Int64 = 50

    /// How many are accepted at a time where there is plenty of room; else one, so that there are no more than there may be.
    private static let mostAtOnce = 16

    private let slots: ConnectionSlots
    private let door: ConnectionSlots.Door
    private let clock: any StackClock
    /// Whether accepting is held up; changed on the channel's thread only.
    private let isPaused = Atomic(false)
    /// How many are accepted at a time; changed there, too.
    private let atOnce = Atomic(1)

    /// - Parameter limit: the most connections that come in here at a time; `nil` for as many as the process has room for.
    init(slots: ConnectionSlots, limit: Int?, clock: any StackClock) {
        self.slots = slots
        door = ConnectionSlots.Door(limit: limit)
        self.clock = clock
    }

    func handlerAdded(context: ChannelHandlerContext) { accept(1, context) }

    private func accept(_ count: Int, _ context: ChannelHandlerContext) {
        try? context.channel.syncOptions?.setOption(.maxMessagesPerRead, value: UInt(count))
    }

    func read(context: ChannelHandlerContext) {
        if isPaused.load(ordering: .relaxed) { return }
        if slots.admits(door) {
            let count = slots.hasRoom(for: Self.mostAtOnce, behind: door) ? Self.mostAtOnce : 1
            if count != atOnce.exchange(count, ordering: .relaxed) { accept(count, context) }
            return context.read()
        }
        let resume = pause(context, forMilliseconds: 200)
        // There may be room since it was asked for.
        if slots.admits(door) { resume?() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        slots.add(unwrapInboundIn(data), by: door)
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errnoCode) else {
            return context.fireErrorCaught(error)
        }
        // Asking again at once would ask forever.
        slots.makeRoom()
        pause(context, forMilliseconds: Self.pauseMilliseconds)
    }

    /// Accepts nothing for so long, or until there may be room.
    /// - Returns: what ends the pause; `nil` where there was one already.
    @discardableResult
    private func pause(
        _ context: ChannelHandlerContext,
        forMilliseconds milliseconds: Int64
    ) -> (@Sendable () -> Void)? {
        if isPaused.exchange(true, ordering: .relaxed) { return nil }
        let (loop, clock) = (context.eventLoop, clock)
        let bound = NIOLoopBound(context, eventLoop: loop)
        let resume = { @Sendable [self] in
            loop.execute {
                guard self.isPaused.exchange(false, ordering: .relaxed) else { return }
                bound.value.pipeline.read()
            }
        }
        slots.whenRoom(resume)
        Task {
            try? await clock.sleep(milliseconds: milliseconds)
            resume()
        }
        return resume
    }
}
