import CYaml

/// What a YAML text consists of, one piece after the other, as libyaml finds it.
final class YAMLEventStream {
    /// Where something stands, from 1.
    struct Place {
        var line: Int
        var column: Int
    }

    /// One value as it is written.
    struct Scalar {
        var text: String
        var isPlain: Bool
        var tag: String?
    }

    enum Event {
        case documentStart
        case documentEnd
        case alias(String)
        case scalar(Scalar, anchor: String?)
        case sequenceStart(anchor: String?)
        case mappingStart(anchor: String?)
        /// The end of the innermost list or mapping.
        case end
    }

    private var parser = yaml_parser_t()
    /// The text, at a place that does not change while the parser reads it.
    private let text: UnsafeMutableBufferPointer<UInt8>

    init(_ bytes: [UInt8], _ dialect: YAMLReader.Dialect) {
        self.dialect = dialect
        text = .allocate(capacity: max(1, bytes.count))
        _ = text.initialize(from: bytes)
        yaml_parser_initialize(&parser)
        yaml_parser_set_input_string(&parser, text.baseAddress, bytes.count)
        count = bytes.count
        hasEscapedSlash = zip(bytes, bytes.dropFirst()).contains {
            $0 == UInt8(ascii: "\\") && $1 == UInt8(ascii: "/")
        }
        // The mark of the encoding is no character to the parser.
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { reached.byte = 3 }
    }

    private let dialect: YAMLReader.Dialect
    private let count: Int
    /// What closes the lists and mappings that are open, where they are written in one line; the innermost last.
    private var flow: [Character?] = []
    /// Whether there may be a `\\/`, which libyaml takes and go-yaml does not know.
    private let hasEscapedSlash: Bool
    /// A place that the search for it has reached, by byte and by character.
    private var reached = (byte: 0, character: 0)

    deinit {
        yaml_parser_delete(&parser)
        text.deallocate()
    }

    /// The next event with its place; `nil` behind the last document.
    func next() throws(ConfigProblem) -> (event: Event, place: Place)? {
        while parser.stream_end_produced == 0 {
            var event = yaml_event_t()
            guard yaml_parser_parse(&parser, &event) == 1 else { throw problem() }
            defer { yaml_event_delete(&event) }
            let place = Place(line: Int(event.start_mark.line) + 1, column: Int(event.start_mark.column) + 1)
            if hasEscapedSlash, event.type == YAML_SCALAR_EVENT,
                event.data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE,
                let problem = escapedSlash(from: event.start_mark, to: event.end_mark)
            {
                throw problem
            }
            if let problem = strictness(event, place) { throw problem }
            if let found = Self.event(event) { return (found, place) }
        }
        return nil
    }

    /// What libyaml has learnt since go-yaml was made of it: version 1.2, and a `?` within bare text between brackets.
    private func strictness(_ event: yaml_event_t, _ place: Place) -> ConfigProblem? {
        func problem(_ message: String, hint: String? = nil) -> ConfigProblem {
            ConfigProblem(
                .syntax,
                message,
                line: place.line,
                column: place.column,
                hint: hint,
                original: "yaml: " + message
            )
        }
        switch event.type {
        case YAML_DOCUMENT_START_EVENT:
            guard let version = event.data.document_start.version_directive?.pointee else { return nil }
            if version.major == 1, version.minor == 1 { return nil }
            return problem("found incompatible YAML document", hint: "only %YAML 1.1 is read")
        case YAML_SEQUENCE_START_EVENT:
            flow.append(event.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE ? "]" : nil)
        case YAML_MAPPING_START_EVENT:
            flow.append(event.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE ? "}" : nil)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: flow.removeLast()
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            guard scalar.style == YAML_PLAIN_SCALAR_STYLE, let end = flow.last ?? nil else { return nil }
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            guard bytes.dropFirst().contains(UInt8(ascii: "?")) else { return nil }
            return problem("did not find expected ',' or '\(end)'")
        default: break
        }
        return nil
    }

    private static func event(_ event: yaml_event_t) -> Event? {
        switch event.type {
        case YAML_DOCUMENT_START_EVENT: return .documentStart
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_ALIAS_EVENT: return .alias(string(event.data.alias.anchor) ?? "")
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            let value = Scalar(
                text: String(decoding: bytes, as: UTF8.self),
                isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE,
                tag: shortTag(string(scalar.tag))
            )
            return .scalar(value, anchor: string(scalar.anchor))
        case YAML_SEQUENCE_START_EVENT: return .sequenceStart(anchor: string(event.data.sequence_start.anchor))
        case YAML_MAPPING_START_EVENT: return .mappingStart(anchor: string(event.data.mapping_start.anchor))
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return .end
        default: return nil
        }
    }

    private static func string(_ text: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        text.map { String(decodingCString: $0, as: UTF8.self) }
    }

    private static func shortTag(_ tag: String?) -> String? {
        guard let tag, !tag.isEmpty, tag != "!" else { return tag == "!" ? "!!str" : nil }
        let prefix = "tag:yaml.org,2002:"
        return tag.hasPrefix(prefix) ? "!!" + tag.dropFirst(prefix.count) : tag
    }

    // MARK: What is wrong

    private func problem() -> ConfigProblem {
        let words = parser.problem.map { String(cString: $0) } ?? "unknown problem parsing YAML content"
        switch parser.error {
        case YAML_READER_ERROR: return readerProblem(words)
        case YAML_MEMORY_ERROR:
            return ConfigProblem(.syntax, "nested too deeply", original: "yaml: exceeded max depth")
        default: break
        }
        let mark = parser.problem_mark
        // go-yaml counts these lines in several ways; the place that is told besides is the right one.
        let isScanning = parser.error == YAML_SCANNER_ERROR
        var counted = 0
        switch dialect {
        case .configuration:
            if mark.line != 0 {
                counted = Int(mark.line) + (isScanning ? 1 : 0)
            } else {
                counted = Int(parser.context_mark.line)
            }
        case .rules:
            let line = parser.context_mark.line != 0 ? parser.context_mark.line : mark.line
            counted = line == 0 ? 0 : Int(line) + (isScanning ? 1 : 0)
        }
        return ConfigProblem(
            .syntax,
            words,
            line: Int(mark.line) + 1,
            column: Int(mark.column) + 1,
            hint: hint(at: mark.index),
            original: "yaml: " + (counted > 0 ? "line \(counted): " : "") + words
        )
    }

    private func readerProblem(_ words: String) -> ConfigProblem {
        let read = text.prefix(min(parser.problem_offset, count))
        let line = read.reduce(1) { $1 == UInt8(ascii: "\n") ? $0 + 1 : $0 }
        let start = read.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let column = read[start...].reduce(1) { $1 & 0xc0 == 0x80 ? $0 : $0 + 1 }
        let isUTF8 = String(validating: text.prefix(count), as: UTF8.self) != nil
        return ConfigProblem(
            .syntax,
            words,
            line: line,
            column: column,
            hint: isUTF8 ? nil : "the file has to be UTF-8; save it in that encoding",
            original: "yaml: " + words
        )
    }

    /// An escaped slash in a text in double quotes.
    private func escapedSlash(from start: yaml_mark_t, to end: yaml_mark_t) -> ConfigProblem? {
        var isEscaped = false
        var line = start.line
        while reached.byte < count, reached.character < end.index {
            let byte = text[reached.byte]
            let isInside = reached.character >= start.index
            if isInside, isEscaped, byte == UInt8(ascii: "/") {
                let words = "found unknown escape character"
                let place = line == 0 ? "" : "line \(line + 1): "
                return ConfigProblem(.syntax, words, line: Int(line) + 1, original: "yaml: \(place)\(words)")
            }
            if isInside, byte == UInt8(ascii: "\n") { line += 1 }
            isEscaped = isInside && !isEscaped && byte == UInt8(ascii: "\\")
            reached.byte += 1
            while reached.byte < count, text[reached.byte] & 0xc0 == 0x80 { reached.byte += 1 }
            reached.character += 1
        }
        return nil
    }

    /// The parser counts characters, so the place is sought in the text itself.
    private func byte(at index: Int) -> UInt8? {
        var characters = 0
        for byte in text.prefix(count) where byte & 0xc0 != 0x80 {
            if characters == index { return byte }
            characters += 1
        }
        return nil
    }

    /// Bare text ends at a bracket where a list or mapping is written in one line.
    private func bracket(_ bracket: String, _ example: String) -> String? {
        guard let end = flow.last ?? nil else { return nil }
        let within = end == "}" ? "{…}" : "[…]"
        return "text that has \(bracket) in it stands in quotes within \(within), such as '\(example)'"
    }

    /// What to do about what stands at a place that cannot be read.
    private func hint(at index: Int) -> String? {
        switch byte(at: index) {
        case UInt8(ascii: "\t"): return "tabs are not allowed here; indent with spaces"
        case UInt8(ascii: "["): return bracket("[", "rate(a_total[5m]) > 0")
        case UInt8(ascii: "{"): return bracket("{", "up{job=\"a\"} == 0")
        default: return nil
        }
    }
}
