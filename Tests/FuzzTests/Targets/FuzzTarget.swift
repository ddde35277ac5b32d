/// Something that reads bytes from outside, and what has to hold whatever they are.
package struct FuzzTarget: Sendable {
    /// How it is called on the command line, and the folder of its corpus.
    package let name: String
    /// Reads the bytes. Returns what does not agree with itself; `nil` where everything does.
    package let contradiction: @Sendable ([UInt8]) -> String?

    init(_ name: String, _ contradiction: @escaping @Sendable ([UInt8]) -> String?) {
        self.name = name
        self.contradiction = contradiction
    }

    /// What only has to survive.
    init(surviving name: String, _ read: @escaping @Sendable ([UInt8]) -> Void) {
        self.init(name) { bytes in
            read(bytes)
            return nil
        }
    }

    /// All of them.
    package static let all = exposition + wire + language + configuration + web + store
}

/// What two ways of reading the same say, where they differ.
func difference(_ what: String, _ left: String, _ right: String) -> String? {
    left.utf8.elementsEqual(right.utf8) ? nil : "\(what):\n\(left)\n\(right)"
}

/// What comes of reading, or the error, as text.
func told<Value, Failure>(_ read: () throws(Failure) -> Value) -> String {
    do { return "\(try read())" } catch { return "error: \(error)" }
}

func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }
