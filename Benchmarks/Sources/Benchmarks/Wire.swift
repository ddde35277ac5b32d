import Foundation

/// A connection to a server of this process, with blocking calls: as little of its own as can be in what is measured.
final class Wire {
    struct Failed: Error, CustomStringConvertible {
        var description: String
    }

    private let port: UInt16
    private var descriptor: Int32 = -1
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)

    init(url: String) throws {
        port = UInt16(url.split(separator: ":").last?.prefix { $0.isNumber } ?? "") ?? 0
        #if os(Linux)
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
            descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Failed(description: "cannot connect to port \(port)") }
    }

    deinit { close(descriptor) }

    /// Asks and answers how many bytes came back.
    @discardableResult
    func ask(_ method: String, _ target: String, _ parameters: [(String, String)] = [], body: String = "") throws -> Int
    {
        let query = parameters.map { name, value in
            let allowed = CharacterSet.alphanumerics
            return name + "=" + (value.addingPercentEncoding(withAllowedCharacters: allowed) ?? "")
        }
        let path = query.isEmpty ? target : target + "?" + query.joined(separator: "&")
        let head = "\(method) \(path) HTTP/1.1\r\nHost: localhost:\(port)\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        let bytes = Array((head + body).utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count else { throw Failed(description: "cannot send") }
        return try receive()
    }

    private func receive() throws -> Int {
        var data: [UInt8] = []
        var end: Int?
        while end == nil {
            try more(&data)
            end = Self.find([13, 10, 13, 10], in: data, from: 0)
        }
        let start = (end ?? 0) + 4
        let head = String(decoding: data[..<start], as: UTF8.self).lowercased()
        guard head.contains(" 200 ") || head.contains(" 202 ") else {
            throw Failed(description: String(decoding: data.prefix(600), as: UTF8.self))
        }
        if let range = head.range(of: "content-length: ") {
            let length = Int(head[range.upperBound...].prefix { $0.isNumber }) ?? 0
            while data.count < start + length { try more(&data) }
            return length
        }
        guard head.contains("transfer-encoding: chunked") else { return 0 }
        var position = start
        var total = 0
        while true {
            var line = Self.find([13, 10], in: data, from: position)
            while line == nil {
                try more(&data)
                line = Self.find([13, 10], in: data, from: position)
            }
            let size = Int(String(decoding: data[position..<(line ?? position)], as: UTF8.self), radix: 16) ?? 0
            position = (line ?? position) + 2 + size + 2
            while data.count < position { try more(&data) }
            if size == 0 { return total }
            total += size
        }
    }

    private func more(_ data: inout [UInt8]) throws {
        let count = read(descriptor, &buffer, buffer.count)
        guard count > 0 else { throw Failed(description: "the connection ended") }
        data += buffer[..<count]
    }

    private static func find(_ pattern: [UInt8], in data: [UInt8], from start: Int) -> Int? {
        guard data.count >= start + pattern.count else { return nil }
        for index in start...(data.count - pattern.count) where data[index] == pattern[0] {
            if data[index..<(index + pattern.count)].elementsEqual(pattern) { return index }
        }
        return nil
    }
}
