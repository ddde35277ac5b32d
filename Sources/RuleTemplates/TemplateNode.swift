import MetricModel

/// A part of a pipeline.
indirect enum TemplateOperand: Sendable {
    case dot(at: Int)
    case null(at: Int)
    case bool(Bool, at: Int)
    case number(TemplateNumber, at: Int)
    /// A text, as it is and as it was written.
    case string(String, written: String, at: Int)
    /// `.a.b`
    case field([String], at: Int)
    /// `$x.a.b`, the name with its dollar first.
    case variable([String], at: Int)
    case identifier(String, at: Int)
    /// `(…).a.b`
    case chain(TemplateOperand, [String], at: Int)
    case pipeline(TemplatePipeline)

    /// Where it stands, in bytes.
    var position: Int {
        switch self {
        case .dot(let place), .null(let place), .bool(_, let place), .number(_, let place), .string(_, _, let place),
            .field(_, let place), .variable(_, let place), .identifier(_, let place), .chain(_, _, let place):
            place
        case .pipeline(let pipeline): pipeline.position
        }
    }

    /// As Go prints the node.
    var description: String {
        switch self {
        case .dot: return "."
        case .null: return "nil"
        case .bool(let value, _): return value ? "true" : "false"
        case .number(let number, _): return number.text
        case .string(_, let written, _): return written
        case .field(let names, _): return names.map { "." + $0 }.joined()
        case .variable(let names, _): return names.joined(separator: ".")
        case .identifier(let name, _): return name
        case .chain(let operand, let names, _):
            let inner = operand.description
            if case .pipeline = operand { return "(\(inner))" + names.map { "." + $0 }.joined() }
            return inner + names.map { "." + $0 }.joined()
        case .pipeline(let pipeline): return pipeline.description
        }
    }
}

/// A number as written, with what it can be.
struct TemplateNumber: Sendable {
    var text: String
    var integer: Int64?
    var unsigned: UInt64?
    var float: Double?
    /// The parts of a constant with an imaginary part.
    var complex: (real: Double, imaginary: Double)?
}

/// A function or value with arguments.
struct TemplateCommand: Sendable {
    var operands: [TemplateOperand]
    var position: Int

    var description: String {
        operands.map { operand in
            if case .pipeline = operand { return "(\(operand.description))" }
            return operand.description
        }.joined(separator: " ")
    }
}

/// Commands, each of which hands its value to the next, and variables that take the last one's.
struct TemplatePipeline: Sendable {
    var position: Int
    var isAssignment = false
    var variables: [String] = []
    var commands: [TemplateCommand] = []

    var description: String {
        var text = ""
        if !variables.isEmpty { text = variables.joined(separator: ", ") + (isAssignment ? " = " : " := ") }
        return text + commands.map(\.description).joined(separator: " | ")
    }
}

/// What a template consists of.
indirect enum TemplateNode: Sendable {
    struct Branch: Sendable {
        var pipeline: TemplatePipeline
        var list: [TemplateNode]
        var otherwise: [TemplateNode]?
        var position: Int
    }

    case text(String)
    case action(TemplatePipeline, at: Int)
    case `if`(Branch)
    case with(Branch)
    case range(Branch)
    case template(name: String, TemplatePipeline?, at: Int)
    case `break`
    case `continue`

    /// Whether it is nothing but blanks, so that a definition of it may be replaced.
    var isBlank: Bool {
        guard case .text(let text) = self else { return false }
        return text.unicodeScalars.allSatisfy { $0.properties.isWhitespace }
    }
}
