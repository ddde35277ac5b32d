import MetricModel
import Testing

@Suite(.timeLimit(.minutes(5))) struct TextFormTests {
    @Test(
        arguments: [
            ("", "", ""), ("f", "Zg==", "Zg"), ("fo", "Zm8=", "Zm8"), ("foo", "Zm9v", "Zm9v"),
            ("foob", "Zm9vYg==", "Zm9vYg"),
            ("fooba", "Zm9vYmE=", "Zm9vYmE"), ("foobar", "Zm9vYmFy", "Zm9vYmFy"), ("?>~", "Pz5+", "Pz5-"),
            ("???", "Pz8/", "Pz8_"),
        ]
    )
    func `base64 as in RFC 4648`(text: String, standard: String, urlSafe: String) {
        #expect(Base64.encode(text.utf8) == standard)
        #expect(Base64.encodeURLSafe(text.utf8) == urlSafe)
    }

    @Test func `a text in JSON`() {
        #expect(JSONString.quoted("a\"\\/\n\r\t\u{1}\u{1f}é<😀") == #""a\"\\/\n\r\t\u0001\u001fé<😀""#)
    }
}
