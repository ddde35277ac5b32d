import Dispatch
import HTTPCalling
import MetricModel
import NIOCore
import Synchronization
import Testing

/// Names of hosts: who is not answered harms nobody else.
@Suite(.timeLimit(.minutes(5))) struct HostNamesTests {
    /// A name server that says nothing about some names before its end, and counts who asks.
    private final class Server: Sendable {
        let asked = Mutex<[String: Int]>([:])
        private let end = DispatchSemaphore(value: 0)

        func lookUp(_ name: String) -> HostNames.Answer {
            asked.withLock { $0[name, default: 0] += 1 }
            if name.hasPrefix("silent") {
                end.wait()
                end.signal()
            }
            if name.hasPrefix("unknown") { return .failure(TransportError("no such host", code: .unknownHost)) }
            return Result { try SocketAddress(ipAddress: "127.0.0.1", port: 0) }
                .mapError { TransportError("\($0)") }.map { [$0] }
        }

        func count(_ name: String) -> Int { asked.withLock { $0[name] ?? 0 } }

        func close() { end.signal() }
    }

    private func code(
        _ names: HostNames,
        _ name: String,
        _ patience: TimeAmount = .minutes(4)
    ) async -> TransportError.Code? {
        do throws(TransportError) {
            _ = try await names.addresses(of: name, until: .now() + patience)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func `names that nobody answers are given up, and hold up nobody`() async throws {
        let server = Server()
        defer { server.close() }
        let names = HostNames(kept: 0) { server.lookUp($0) }
        #expect(await code(names, "good") == nil)
        await withTaskGroup(of: TransportError.Code?.self) { group in
            for number in 0..<100 {
                group.addTask { await code(names, "silent\(number)", .milliseconds(1)) }
                // The same one again: it is looked up once.
                group.addTask { await code(names, "silent0", .milliseconds(1)) }
            }
            for await code in group { #expect(code == .timeout) }
        }
        #expect(await code(names, "good") == nil)
        #expect(server.count("good") == 2)
        #expect(server.count("silent0") <= 1)
    }

    @Test func `whoever does not want an answer any more does not wait for it`() async {
        let server = Server()
        defer { server.close() }
        let names = HostNames { server.lookUp($0) }
        let asking = Task { await code(names, "silent") }
        asking.cancel()
        #expect(await asking.value == .cancelled)
    }

    @Test func `an answer counts for a while, that there is none too`() async {
        let server = Server()
        let names = HostNames(kept: .max / 4) { server.lookUp($0) }
        for (name, expected) in [("good", nil), ("unknown", TransportError.Code.unknownHost)] {
            for _ in 0..<3 { #expect(await code(names, name) == expected) }
            #expect(server.count(name) == 1)
        }
    }

    @Test func `names as the system knows them`() async throws {
        let addresses = try await HostNames.shared.addresses(of: "localhost", until: .now() + .minutes(1))
        #expect(addresses.contains { $0.ipAddress == "127.0.0.1" || $0.ipAddress == "::1" })
        #expect(await code(.shared, "nowhere.invalid") == .unknownHost)
    }
}
