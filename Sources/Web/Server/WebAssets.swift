import CWebAssets
import NIOCore

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
            files[name] = File(
                body: ByteBuffer(bytes: bytes),
                entityTag: "\"\(String(hash(bytes), radix: 16))\"",
                type: type(of: name)
            )
            entry = entryPointer + 1
        }
        return files
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
    /// - Parameter origin: another server that the page may ask; empty for none.
    public static func response(
        to request: WebRequest,
        file path: String,
        connectingTo origin: String = ""
    ) -> WebResponse {
        guard let file = files[path] else { return .notFound }
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
