public import MetricModel

/// Answers to the queries of a template, by expression.
public struct TemplateAnswers: Sendable {
    /// One answer.
    public enum Answer: Sendable {
        /// The vector that was found.
        case samples([TemplateSample])
        /// Why there is none.
        case failure(String)
    }

    /// The answers by expression.
    public var answers: [String: Answer] = [:]

    /// No answers yet.
    public init() {}
}

/// A template as Go's `text/template` reads them, with the functions that Prometheus gives to alerts.
///
/// Expanding is a function of the template, its data and the answers to its queries: it does no I/O. Where a query has not been
/// answered yet, it says so, and is called again with the answer.
public struct TextTemplate: Sendable {
    /// What comes of expanding a template.
    public enum Outcome: Sendable {
        /// The text.
        case text(String)
        /// Why there is none.
        case failure(TemplateError)
        /// The query that has to be answered first.
        case needs(query: String)
    }

    /// The name in messages.
    public let name: String
    private let source: [UInt8]
    private let definitions: [String: [TemplateNode]]
    /// The whole text where there is nothing to expand.
    private let constant: String?

    /// Reads a template.
    /// - Throws: ``TemplateError`` in Go's words.
    public init(name: String, text: String) throws(TemplateError) {
        self.name = name
        constant = text.contains("{{") ? nil : text
        source = constant == nil ? Array(text.utf8) : []
        definitions = constant == nil ? try TemplateParser(name: name, text: text).definitions : [:]
    }

    /// What Prometheus puts before the text of each label and annotation, so that `$labels` and `$value` are known. It is on
    /// the same line, which columns in messages therefore count from.
    static let preamble =
        "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"

    /// A label's or annotation's template of the alert of that name.
    /// - Throws: ``TemplateError`` in Go's words.
    public init(alert: String, text: String) throws(TemplateError) {
        if text.contains("{{") {
            try self.init(name: "__alert_" + alert, text: Self.preamble + text)
        } else {
            try self.init(name: "__alert_" + alert, text: text)
        }
    }

    /// Whether the text is the same for all data.
    public var isConstant: Bool { constant != nil }

    /// Expands the template.
    public func expand(_ data: TemplateData, answers: TemplateAnswers = TemplateAnswers()) -> Outcome {
        var steps = 0
        var asked: [String] = []
        return expand(data, answers: answers, steps: &steps, asked: &asked)
    }

    /// Expands the template.
    /// - Parameters:
    ///   - steps: grows by how much work it was.
    ///   - asked: gets the queries that were asked, each once.
    public func expand(
        _ data: TemplateData,
        answers: TemplateAnswers,
        steps: inout Int,
        asked: inout [String]
    ) -> Outcome {
        steps += 1
        if let constant { return .text(constant) }
        var execution = TemplateExecution(
            name: name,
            source: source,
            definitions: definitions,
            data: data,
            answers: answers
        )
        defer {
            steps += execution.steps
            for query in execution.asked where !asked.contains(query) { asked.append(query) }
        }
        do throws(TemplateExecution.Stop) {
            try execution.run()
            return .text(execution.output)
        } catch {
            switch error {
            case .failed(let error): return .failure(error)
            case .needs(let query): return .needs(query: query)
            }
        }
    }

    /// The names of Prometheus's functions that templates may call, for lists of features.
    public static var functionNames: [String] {
        TemplateFunction.allCases.filter { !$0.isBuiltIn }.map(\.rawValue)
    }
}
