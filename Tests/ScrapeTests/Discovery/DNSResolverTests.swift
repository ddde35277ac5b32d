import MetricModel
import NIOCore
import NIOPosix
import Scrape
import Synchronization
import Testing

/// Name servers of all manners.
@Suite(.timeLimit(.minutes(5))) struct DNSResolverTests {
    /// What the server of these tests does is said by the first label of the name that it is asked for.
    enum Manner: String, CaseIterable {
        /// Answers with two services.
        case good
        /// Says at first what nobody has asked for.
        case late
        /// Does not say all in a datagram, but over a connection.
        case long
        /// Ends in the midst of the second service.
        case cut
        /// Counts a third service that is not there.
        case miscounted
        /// Has an address of three bytes.
        case odd
        /// Knows no such name.
        case unknown
        /// Cannot say.
        case failing
        /// Sends the question back.
        case echoing
        /// Ends in the midst of the question.
        case short
        /// Says nothing.
        case silent

        func answers(_ question: [UInt8], overStream isStream: Bool) -> [[UInt8]] {
            func service(_ name: UInt8) -> [UInt8] {
                [0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 9, 0, 10, 0, 1, 0, 2, 0x1f, 0x90, 1, name, 0xc0, 12]
            }
            var head = question
            head[2] = 0x81
            head[7] = 2
            let whole = head + service(97) + service(98)
            switch self {
            case .good: return [whole]
            case .late: return [[whole[0] ^ 1] + whole.dropFirst(), whole]
            case .long where isStream: return [whole]
            case .long:
                head[2] |= 2
                return [Array((head + service(97) + service(98)).dropLast(5))]
            case .cut: return [Array(whole.dropLast(5))]
            case .miscounted:
                head[7] = 3
                return [head + service(97) + service(98)]
            case .odd: return [head + service(97) + [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 3, 1, 2, 3]]
            case .unknown, .failing:
                head[3] = self == .unknown ? 3 : 2
                head[7] = 0
                return [head]
            case .echoing: return [question]
            case .short: return [Array(head.dropLast(2))]
            case .silent: return []
            }
        }

        /// `nil` where nobody could say.
        var isFound: Bool? {
            switch self {
            case .good, .late, .long, .miscounted: true
            case .unknown: false
            case .cut, .odd, .failing, .echoing, .short, .silent: nil
            }
        }
    }

    private final class NameServer: ChannelInboundHandler {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let envelope = Self.unwrapInboundIn(data)
            for answer in NameServer.answers(envelope.data, overStream: false) {
                let reply = AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: ByteBuffer(bytes: answer))
                context.channel.writeAndFlush(reply, promise: nil)
            }
        }

        static func answers(_ question: ByteBuffer, overStream isStream: Bool) -> [[UInt8]] {
            let bytes = Array(question.readableBytesView)
            let label = String(decoding: bytes[13..<13 + Int(bytes[12])], as: UTF8.self)
            return Manner(rawValue: label)?.answers(bytes, overStream: isStream) ?? []
        }
    }

    private final class StreamServer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var question = Self.unwrapInboundIn(data)
            question.moveReaderIndex(forwardBy: 2)
            for answer in NameServer.answers(question, overStream: true) {
                // A byte at a time.
                for byte in [UInt8(answer.count >> 8), UInt8(answer.count & 255)] + answer {
                    context.channel.writeAndFlush(ByteBuffer(bytes: [byte]), promise: nil)
                }
            }
        }
    }

    /// How many have ended.
    private final class Ended: Sendable {
        let count = Atomic(0)
    }

    /// Listens for datagrams and for connections at the same port. What is free for the one need not be for the other.
    private func listen() async throws -> (port: Int, datagrams: any Channel, stream: any Channel) {
        let group = MultiThreadedEventLoopGroup.singleton
        var refused: any Error = ChannelError.ioOnClosedChannel
        for _ in 0..<100 {
            let datagrams = try await DatagramBootstrap(group: group)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(NameServer())
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            let port = try #require(datagrams.localAddress?.port)
            do {
                let stream = try await ServerBootstrap(group: group)
                    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                    .childChannelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(StreamServer())
                        }
                    }
                    .bind(host: "127.0.0.1", port: port).get()
                return (port, datagrams, stream)
            } catch {
                refused = error
                try await datagrams.close()
            }
        }
        throw refused
    }

    /// Asks a server that listens as long as the body runs.
    private func withResolver(_ body: (DNSResolver) async throws -> Void) async throws {
        let (port, datagrams, stream) = try await listen()
        var settings = DNSResolver.Settings("nameserver 127.0.0.1\n")
        settings.port = UInt16(port)
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(DNSResolver(settings: settings)))
        } catch {
            result = .failure(error)
        }
        try await datagrams.close()
        try await stream.close()
        try result.get()
    }

    @Test(arguments: Manner.allCases.filter { $0 != .silent })
    func `an answer is taken whole or not at all`(
        _ manner: Manner
    ) async throws {
        try await withResolver { resolver in
            let services: [DNSMessage.Record] = ["a", "b"].map {
                .service(target: "\($0).\(manner).test.", port: 8080)
            }
            let expected = manner.isFound.map { $0 ? services : [] }
            let found = try? await resolver.lookup("\(manner).test.", .srv)
            #expect(found == expected)
        }
    }

    @Test func `names that nobody answers hold up no others`() async throws {
        try await withResolver { resolver in
            var patient = resolver
            patient.patience = 60
            try await withThrowingTaskGroup(of: Void.self) { [patient] group in
                let ended = Ended()
                for _ in 0..<40 {
                    group.addTask {
                        _ = try? await patient.lookup("silent.test.", .srv)
                        ended.count.add(1, ordering: .relaxed)
                    }
                }
                // Whoever comes again stands behind all of them.
                for _ in 0..<5 {
                    let found = try await resolver.lookup("good.test.", .srv)
                    #expect(found.count == 2)
                }
                let before = ended.count.load(ordering: .relaxed)
                #expect(before == 0)
                group.cancelAll()
            }
        }
    }
}
