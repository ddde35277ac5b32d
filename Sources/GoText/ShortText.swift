extension String {
    /// The text, or its beginning where it is longer than so many bytes: for what is remembered of texts that others make as long as
    /// they like.
    package func shortened(to bytes: Int) -> String {
        if utf8.count <= bytes { return self }
        var end = utf8.index(startIndex, offsetBy: bytes)
        // Not within a character.
        while end > startIndex, UTF8.isContinuation(utf8[end]) { end = utf8.index(before: end) }
        // A copy: the piece of a text holds all of it.
        return String(decoding: Array(utf8[..<end]), as: UTF8.self) + "…"
    }
}
