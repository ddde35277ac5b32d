import MetricModel
import NIOCore
import NIOPosix

/// A question to one name server. No thread waits for the answer: names that nobody answers hold up no others.
struct DNSExchange {
    /// So many nanoseconds an answer is waited for.
    private static let patience: Int64 = 2_000_000_000

    private let id = UInt16.random(in: 0...UInt16.max)
    private let question: [UInt8]
    private let address: SocketAddress?
    /// The network keeps the machine's time, whatever time the stack lives by.
    private let network = SystemClock()

    init(_ name: String, _ kind: DNSMessage.Kind, server: String, port: UInt16) {
        question = DNSMessage.question(name, kind, id: id)
        address = try? SocketAddress(ipAddress: server, port: Int(port))
    }

    /// The answer; `nil` where none comes in time that can be read.
    /// - Parameter isStream: whether a connection is made for it, as for those that are too long for a datagram.
    func answer(overStream isStream: Bool) async -> DNSMessage? {
        guard let address, ConnectionFiles.shared.takeOutgoing() == nil else { return nil }
        defer { ConnectionFiles.shared.leaveOutgoing() }
        let answer = OneAnswer<DNSMessage?>()
        let connecting = isStream ? stream(to: address, answer) : datagrams(to: address, answer)
        connecting.whenFailure { _ in answer.give(nil) }
        let end = network.steadyNanoseconds.plus(Self.patience)
        let timer = Task {
            if (try? await network.sleep(untilSteady: end)) != nil { answer.give(nil) }
        }
        let found = await answer.wait(or: nil)
        timer.cancel()
        connecting.whenSuccess { $0.close(promise: nil) }
        return found
    }

    private func stream(to address: SocketAddress, _ answer: OneAnswer<DNSMessage?>) -> EventLoopFuture<any Channel> {
        let (id, question) = (id, question)
        return ClientBootstrap(group: LoopExecutor.calling.next())
            .connectTimeout(.nanoseconds(Self.patience))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(StreamAnswer(id, answer))
                }
            }
            .connect(to: address)
            .map { channel in
                var bytes = channel.allocator.buffer(capacity: question.count + 2)
                bytes.writeInteger(UInt16(question.count))
                bytes.writeBytes(question)
                channel.writeAndFlush(bytes, promise: nil)
                return channel
            }
    }

    private func datagrams(to address: SocketAddress, _ answer: OneAnswer<DNSMessage?>) -> EventLoopFuture<any Channel>
    {
        let (id, question) = (id, question)
        return DatagramBootstrap(group: LoopExecutor.calling.next())
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 1 << 16))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DatagramAnswer(id, answer))
                }
            }
            .connect(to: address)
            .map { channel in
                let envelope = AddressedEnvelope(remoteAddress: address, data: ByteBuffer(bytes: question))
                channel.writeAndFlush(envelope, promise: nil)
                return channel
            }
    }
}

/// The first datagram with the question's number; those with others are late or forged.
private final class DatagramAnswer: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let id: UInt16
    private let answer: OneAnswer<DNSMessage?>

    init(_ id: UInt16, _ answer: OneAnswer<DNSMessage?>) {
        self.id = id
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = Self.unwrapInboundIn(data).data
        if DNSMessage.isAnswer(bytes.readableBytesView, to: id) {
            answer.give(DNSMessage(Array(bytes.readableBytesView), id: id))
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { answer.give(nil) }

    func channelInactive(context: ChannelHandlerContext) { answer.give(nil) }
}

/// What comes over a connection: the length, then as many bytes.
private final class StreamAnswer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let id: UInt16
    private let answer: OneAnswer<DNSMessage?>
    private var bytes = ByteBuffer()

    init(_ id: UInt16, _ answer: OneAnswer<DNSMessage?>) {
        self.id = id
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytes.writeImmutableBuffer(Self.unwrapInboundIn(data))
        guard let length = bytes.getInteger(at: bytes.readerIndex, as: UInt16.self),
            let message = bytes.getBytes(at: bytes.readerIndex + 2, length: Int(length))
        else { return }
        answer.give(DNSMessage(message, id: id))
        context.close(promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelInactive(context: ChannelHandlerContext) { answer.give(nil) }
}
