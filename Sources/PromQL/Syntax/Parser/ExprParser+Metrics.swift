import MetricModel

extension ExprParser {
    /// A text that is nothing but a selector.
    mutating func selector() throws(ParsingStopped) -> VectorSelector {
        let token = peek()
        var name: Token?
        if token.kind.canNameMetric {
            name = advance()
        } else if token.kind != .leftBrace {
            throw unexpected()
        }
        let selector = try vectorSelector(name: name)
        if peek().kind != .end { throw unexpected() }
        return selector
    }

    /// A text that is nothing but a metric with its labels.
    mutating func metric() throws(ParsingStopped) -> Labels {
        var builder = LabelsBuilder()
        let name = peek().kind.canNameMetric ? lexer.text(advance()) : nil
        if take(.leftBrace) != nil { try labelList(&builder) }
        if peek().kind != .end { throw unexpected() }
        if let name { builder.set(Labels.metricName, name) }
        return builder.build()
    }

    /// Labels up to the closing brace; nothing after it is read.
    mutating func labelList(_ builder: inout LabelsBuilder) throws(ParsingStopped) {
        if take(.rightBrace) != nil { return }
        while true {
            let label = peek()
            guard label.kind == .identifier || label.kind == .string else {
                throw unexpected("label set", "identifier or \"}\"")
            }
            advance()
            let name = label.kind == .string ? unquoted(label) : lexer.text(label)
            if take(.assign) != nil {
                let value = peek()
                guard value.kind == .string else { throw unexpected("label set", "string") }
                advance()
                builder.set(name, unquoted(value))
            } else if label.kind == .string {
                builder.set(Labels.metricName, name)
            } else {
                throw unexpected("label set", "\"=\"")
            }
            if take(.comma) != nil {
                if take(.rightBrace) != nil { return }
            } else {
                guard take(.rightBrace) != nil else { throw unexpected("label set", "\",\" or \"}\"") }
                return
            }
        }
    }
}
