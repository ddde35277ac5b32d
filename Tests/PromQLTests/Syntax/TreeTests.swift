import MetricModel
import PromQL
import Testing

/// What the parser makes of a query, beyond how it is printed.
@Suite(.timeLimit(.minutes(5))) struct TreeTests {
    private let parser = PromQLParser(options: .all)

    @Test("Positions are byte offsets of the whole expression") func positions() throws {
        let query = #"-sum by (a) (rate(e{x="y"}[5m] offset 1m)) > bool (up @ end())"#
        var texts: [String] = []
        let bytes = Array(query.utf8)
        try parser.parse(query).walk { expression, path in
            let range = expression.position
            let text = String(decoding: bytes[range.start..<range.end], as: UTF8.self)
            texts.append("\(path.count) \(text)")
            return true
        }
        #expect(
            texts == [
                "0 " + query, #"1 -sum by (a) (rate(e{x="y"}[5m] offset 1m))"#,
                #"2 sum by (a) (rate(e{x="y"}[5m] offset 1m))"#, #"3 rate(e{x="y"}[5m] offset 1m)"#,
                #"4 e{x="y"}[5m] offset 1m"#, #"5 e{x="y"}"#, "1 (up @ end())", "2 up @ end()",
            ]
        )
    }

    static let types: [(String, ValueType)] = [
        ("1 + 1", .scalar), ("1 + up", .vector), ("'a'", .string), ("up[5m]", .matrix), ("up[5m:1m]", .matrix),
        ("sum(up)", .vector), ("time()", .scalar), ("scalar(up)", .scalar), ("-(1)", .scalar),
    ]

    @Test("Every expression has a type", arguments: types) func type(_ query: String, _ type: ValueType) throws {
        #expect(try parser.parse(query).type == type)
    }

    @Test("Modifiers end up in the selector") func modifiers() throws {
        guard case .matrixSelector(let node) = try parser.parse("up{a!~'b'}[90s] anchored @ 1.5 offset -1ms") else {
            Issue.record("not a range selector")
            return
        }
        #expect(node.range == 90_000_000_000)
        #expect(node.selector.offset == -1_000_000)
        #expect(node.selector.timestamp == 1500)
        #expect(node.selector.isAnchored)
        #expect(node.selector.matchers.map(\.description) == [#"a!~"b""#, #"__name__="up""#])
    }

    @Test("Set operators match many to many, scalars do not match") func matching() throws {
        guard case .binary(let and) = try parser.parse("a and b"), case .binary(let plus) = try parser.parse("a + 1")
        else {
            Issue.record("not operators")
            return
        }
        #expect(and.matching?.cardinality == .manyToMany)
        #expect(plus.matching == nil)
    }

    static let durations: [(String, Int64?)] = [
        ("up[1m + 30s]", 90_000), ("up[step() * 2]", 120_000), ("up[range() / 4]", 900_000), ("up[2 ^ 3]", 8000),
        ("up[max_of(1m, step(), )]", nil), ("up[max_of(30s, step())]", 60_000), ("up[min_of(30s, step())]", 30_000),
        ("up[7 % 4]", 3000), ("up[1m - 1m]", nil), ("up[1m / (1m - 1m)]", nil), ("up[1h ^ 9]", nil),
        ("up[-(-1m)]", 60_000),
        ("up[0.0015 * 1]", 1),
    ]

    @Test("Duration expressions are worked out with the query's step and range", arguments: durations)
    func resolution(_ query: String, _ milliseconds: Int64?) {
        let resolved = try? parser.parse(query).resolvingDurations(step: 60_000_000_000, range: 3_600_000_000_000)
        guard case .matrixSelector(let node)? = resolved else {
            #expect(milliseconds == nil)
            return
        }
        #expect(node.range / 1_000_000 == milliseconds)
    }

    @Test("A duration expression without a value says where it stands") func durationError() throws {
        let expression = try parser.parse("up[1m - step()]")
        #expect {
            _ = try expression.resolvingDurations(step: 60_000_000_000, range: 0)
        } throws: { "\($0)" == "3:14: duration must be greater than 0" }
    }

    @Test("Selectors and metrics are read on their own") func selectors() throws {
        #expect(try parser.parseSelector("up{a=~'b'}").map(\.description) == [#"a=~"b""#, #"__name__="up""#])
        #expect(try parser.parseSelector("{}").isEmpty)
        #expect(try parser.parseMetric(#"up{b="c",a="d"}"#) == ["__name__": "up", "a": "d", "b": "c"])
        #expect(try parser.parseMetric(#"{"a.b", "x y"='z'}"#) == ["__name__": "a.b", "x y": "z"])
    }

    @Test("The tree of parse_query") func syntaxTree() throws {
        let tree = try parser.parse(
            "sum by (a) (rate(up[5m])) * on (a) fill_left (2) -b offset 1s > 3"
        ).syntaxTree
        let matcher = #"{"name":"__name__","type":"=","value":"NAME"}"#
        func selector(_ name: String, _ offset: Int, _ rest: String, _ type: String) -> String {
            #"{"anchored":false,"matchers":["# + matcher.replacing("NAME", with: name) + #"],"name":""# + name
                + #"","offset":"# + "\(offset)" + #","offsetExpr":null"# + rest
                + #","smoothed":false,"startOrEnd":null,"timestamp":null,"type":""# + type + #""}"#
        }
        let rate =
            #"{"args":["# + selector("up", 0, #","range":300000,"rangeExpr":null"#, "matrixSelector")
            + #"],"func":{"argTypes":["matrix"],"name":"rate","returnType":"vector","variadic":0},"type":"call"}"#
        let sum =
            #"{"expr":"# + rate + #","grouping":["a"],"op":"sum","param":null,"type":"aggregation","without":false}"#
        let unary = #"{"expr":"# + selector("b", 1000, "", "vectorSelector") + #","op":"-","type":"unaryExpr"}"#
        let product =
            #"{"bool":false,"lhs":"# + sum
            + #","matching":{"card":"one-to-one","fillValues":{"lhs":2.0,"rhs":null},"include":[],"labels":["a"],"on":true},"op":"*","rhs":"#
            + unary + #","type":"binaryExpr"}"#
        let whole =
            #"{"bool":false,"lhs":"# + product
            + #","matching":null,"op":">","rhs":{"type":"numberLiteral","val":"3"},"type":"binaryExpr"}"#
        #expect(Self.json(tree) == whole)
    }

    private static func json(_ value: SyntaxTreeValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let value): "\"\(value)\""
        case .array(let values): "[" + values.map(json).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { "\"\($0.name)\":\(json($0.value))" }.joined(separator: ",") + "}"
        }
    }
}
