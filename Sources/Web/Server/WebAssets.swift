import CWebAssets
import NIOCore

/// By which clock a page lives.
public enum PageClock: String, Sendable, CaseIterable {
    /// That of its reader.
    case wall
    /// One that is moved by hand.
    case manual
    /// That of a scenario, which is played.
    case played
}

/// The files of the web pages, which are part of the program.
public struct WebAssets: Sendable {
    private struct File: Sendable {
        var body: ByteBuffer
        var entityTag: String
        var type: String
    }

    /// The files by path, made on the first request.
    private static let files: [String: File] = load()

    /// What a page may load and ask.
    /// - Parameter origin: another server that it may ask; empty for none.
    private static func policy(connectingTo origin: String) -> String {
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'"
            + (origin.isEmpty ? "; " : " \(origin); ")
            + "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    }

    private static func load() -> [String: File] {
        var files: [String: File] = [:]
        var entry = web_assets
        while let entryPointer = entry, let path = entryPointer.pointee.path {
            let bytes = UnsafeRawBufferPointer(start: entryPointer.pointee.bytes, count: entryPointer.pointee.count)
            let name = String(cString: path)
            files[name] = file(bytes, type: type(of: name))
            if name.hasSuffix(".html") {
                for clock in PageClock.allCases where clock != .wall {
                    files[key(name, clock)] = marked(bytes, clock)
                }
            }
            entry = entryPointer + 1
        }
        return files
    }

    private static func file(_ bytes: UnsafeRawBufferPointer, type: String) -> File {
        File(body: ByteBuffer(bytes: bytes), entityTag: "\"\(String(hash(bytes), radix: 16))\"", type: type)
    }

    /// Where the page for another clock is kept.
    private static func key(_ name: String, _ clock: PageClock) -> String {
        clock == .wall ? name : "\(name)?clock=\(clock.rawValue)"
    }

    /// The page that says in its first element by which clock it lives, so that it knows before it draws anything.
    private static func marked(_ bytes: UnsafeRawBufferPointer, _ clock: PageClock) -> File {
        let html = String(decoding: bytes, as: UTF8.self)
        let marked = html.replacing("<html ", with: "<html data-clock=\"\(clock.rawValue)\" ", maxReplacements: 1)
        return Array(marked.utf8).withUnsafeBytes { file($0, type: type(of: ".html")) }
    }

    /// FNV-1a over 64 bits: enough to tell versions of a file apart.
    private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return hash
    }

    private static func type(of path: String) -> String {
        switch path.split(separator: ".").last {
        case "html": "text/html; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "js": "text/javascript; charset=utf-8"
        case "svg": "image/svg+xml; charset=utf-8"
        case "json": "application/json"
        case "png": "image/png"
        case "ico": "image/x-icon"
        default: "text/plain; charset=utf-8"
        }
    }

    /// Whether there is a file of that path.
    public static func contains(_ path: String) -> Bool { files[path] != nil }

    /// Answers a GET or HEAD with a file, or with 304 where the client has it already.
    /// - Parameters:
    ///   - origin: another server that the page may ask; empty for none.
    ///   - clock: by which a page lives.
    public static func response(
        to request: WebRequest,
        file path: String,
        connectingTo origin: String = "",
        clock: PageClock = .wall
    ) -> WebResponse {
        guard let file = files[key(path, clock)] ?? files[path] else { return .notFound }
        var response = WebResponse(
            headers: [
                ("Content-Type", file.type), ("ETag", file.entityTag), ("Cache-Control", "no-cache"),
                ("X-Content-Type-Options", "nosniff"), ("Content-Security-Policy", policy(connectingTo: origin)),
                ("Referrer-Policy", "no-referrer"),
            ],
            body: .buffer(file.body)
        )
        let known = request.headers["If-None-Match"] ?? ""
        if known == "*" || known.split(separator: ",").contains(where: { String($0).trimmed == file.entityTag }) {
            response.status = 304
            response.body = .bytes([])
        }
        return response
    }
}
