/// Escaping of URLs as Go's `net/url` does it.
package enum URLText {
    /// A path: what may stand in one stays, and so does a star by itself, which means the server as a whole.
    package static func path(_ text: String) -> String {
        text == "*" ? text : escape(text, plusForSpace: false, extra: "$&+,/:;=@~")
    }

    /// Host and port: what may stand in them stays.
    package static func authority(_ text: String) -> String {
        escape(text, plusForSpace: false, extra: "!$&'()*+,;=:[]<>\"~")
    }

    /// A text in the place of a host: only what can stand in any part of a URL stays.
    package static func host(_ text: String) -> String { escape(text, plusForSpace: false, extra: "~") }

    /// A query's name or value.
    package static func query(_ text: String) -> String { escape(text, plusForSpace: true, extra: "~") }

    /// A text with what `%` hides brought back; `nil` where it is not written well.
    package static func unescaped(_ text: Substring) -> String? { PercentCoding.decodedPath(String(text)) }

    private static func escape(_ text: String, plusForSpace: Bool, extra: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var output: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                output.append(byte)
            case UInt8(ascii: " ") where plusForSpace: output.append(UInt8(ascii: "+"))
            case _ where extra.utf8.contains(byte): output.append(byte)
            default: output += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}
