import MetricModel
import Testing

/// Text of others on a terminal.
@Suite(.timeLimit(.minutes(5))) struct TerminalTextTests {
    static let texts: [(text: String, lines: String, line: String, json: String)] = [
        ("plain, 日本語 ü", "plain, 日本語 ü", "plain, 日本語 ü", "plain, 日本語 ü"),
        ("a\nb\tc", "a\nb\tc", "a b c", "a\nb\tc"),
        ("\u{1b}[31mred\u{7}", "\\x1b[31mred\\x07", "\\x1b[31mred\\x07", "\\u001b[31mred\\u0007"),
        ("back\r\u{8}", "back\\x0d\\x08", "back\\x0d\\x08", "back\\u000d\\u0008"),
        ("\u{7f}\u{9b}2J", "\\x7f\\u009b2J", "\\x7f\\u009b2J", "\\u007f\\u009b2J"),
        ("\u{202e}txt", "\\u202etxt", "\\u202etxt", "\\u202etxt"),
    ]

    @Test(arguments: texts.indices) func `nothing of it moves a cursor or changes colours`(_ index: Int) {
        let (text, lines, line, json) = Self.texts[index]
        #expect(TerminalText.lines(text) == lines)
        #expect(TerminalText.line(text) == line)
        #expect(TerminalText.json(text) == json)
    }
}
