import MetricModel

/// Expands a template.
struct TemplateExecution {
    /// So many templates, branches and loops may be inside each other; Go allows 100,000 templates, but has a stack that grows.
    static let maximumDepth = 200
    /// So many nodes are walked before a template is given up; Go has no limit.
    static let maximumSteps = 1_000_000
    /// Text of so many bytes takes as long as a step.
    static let bytesOfStep = 16
    /// So many instructions of a regular expression count as a step; to make them counts eight times as much.
    static let workOfStep = 64
    /// So many expressions are remembered as they were read.
    static let patternLimit = 100
    /// The longest text, in bytes; Go has no limit.
    static let maximumLength = 1 << 20

    /// Ends an expansion early.
    enum Stop: Error {
        case failed(TemplateError)
        /// A query has to be answered first.
        case needs(query: String)
    }

    enum Flow { case on, leave, again }

    /// What is being looked at, for messages.
    enum Place {
        case operand(TemplateOperand)
        case pipeline(TemplatePipeline)
        case command(TemplateCommand)
        case action(TemplatePipeline, Int)
        case template(String, TemplatePipeline?, Int)
        case other(Int)
    }

    let name: String
    let source: [UInt8]
    let definitions: [String: [TemplateNode]]
    let data: TemplateData
    let answers: TemplateAnswers
    private(set) var output = ""
    var template = ""
    var variables: [(name: String, value: TemplateValue)] = []
    var place = Place.other(0)
    var depth = 0
    var steps = 0
    var sinceLook = 0
    /// The queries that were asked; of very many not all.
    var asked: [String] = []
    /// Expressions by their texts.
    var patterns: [String: RegularExpression] = [:]
    static let mostAsked = 10

    mutating func run() throws(Stop) {
        template = name
        variables = [("$", .data(data))]
        guard let root = definitions[name] else {
            throw .failed(
                TemplateError(
                    .execution,
                    "template: \(name): \(GoText.quoted(name)) is an incomplete or empty template"
                )
            )
        }
        _ = try walk(.data(data), root)
    }

    // MARK: Failures

    func failure(_ message: String) -> Stop {
        let position: Int
        let context: String
        switch place {
        case .operand(let operand): (position, context) = (operand.position, operand.description)
        case .pipeline(let pipeline): (position, context) = (pipeline.position, pipeline.description)
        case .command(let command): (position, context) = (command.position, command.description)
        case .action(let pipeline, let place): (position, context) = (place, "{{\(pipeline.description)}}")
        case .template(let name, let pipeline, let place):
            let given = pipeline.map { " " + $0.description } ?? ""
            (position, context) = (place, "{{template \(GoText.quoted(name))\(given)}}")
        case .other(let place): (position, context) = (place, "")
        }
        let before = source[..<min(position, source.count)]
        let line = 1 + before.count { $0 == 0x0A }
        let column = before.lastIndex(of: 0x0A).map { position - $0 - 1 } ?? position
        return .failed(
            TemplateError(
                .execution,
                "template: \(name):\(line):\(column): executing \(GoText.quoted(template)) at <\(context)>: \(message)"
            )
        )
    }

    // MARK: Nodes

    mutating func write(_ text: String) throws(Stop) {
        output += text
        try charge(text.utf8.count)
        if output.utf8.count > Self.maximumLength {
            throw failure("the text is longer than \(Self.maximumLength) bytes")
        }
    }

    /// Counts text that is made or looked through as steps, too.
    mutating func charge(_ bytes: Int) throws(Stop) {
        if bytes < Self.bytesOfStep { return }
        steps += bytes / Self.bytesOfStep - 1
        try step()
    }

    mutating func step() throws(Stop) {
        steps += 1
        if steps > Self.maximumSteps { throw failure("more than \(Self.maximumSteps) steps") }
        sinceLook += 1
        if sinceLook >= 256 {
            sinceLook = 0
            // Whoever has set the limit throws the text away.
            if TaskLimit.isOver { throw failure("given up") }
        }
    }

    mutating func walk(_ dot: TemplateValue, _ list: [TemplateNode]) throws(Stop) -> Flow {
        if depth > Self.maximumDepth { throw failure("exceeded maximum template depth (\(Self.maximumDepth))") }
        depth += 1
        defer { depth -= 1 }
        for node in list {
            try step()
            switch node {
            case .text(let text): try write(text)
            case .action(let pipeline, let position):
                place = .action(pipeline, position)
                let value = try evaluate(pipeline, dot)
                if pipeline.variables.isEmpty {
                    place = .action(pipeline, position)
                    try write(value.printed)
                }
            case .if(let branch), .with(let branch):
                let mark = variables.count
                defer { variables.removeSubrange(mark...) }
                place = .other(branch.position)
                let value = try evaluate(branch.pipeline, dot)
                var inner = dot
                if case .with = node, value.isTrue { inner = value }
                let flow = value.isTrue ? try walk(inner, branch.list) : try walk(dot, branch.otherwise ?? [])
                switch flow {
                case .on: break
                case .leave, .again: return flow
                }
            case .range(let branch): try range(branch, dot)
            case .template(let called, let pipeline, let position):
                place = .template(called, pipeline, position)
                guard let definition = definitions[called] else {
                    throw failure("template \(GoText.quoted(called)) not defined")
                }
                // Told with the call, and not with what it is called with.
                if depth > Self.maximumDepth {
                    throw failure("exceeded maximum template depth (\(Self.maximumDepth))")
                }
                var inner = TemplateValue.nothing
                if let pipeline { inner = try evaluate(pipeline, dot) }
                let outer = (variables, template)
                variables = [("$", inner)]
                template = called
                _ = try walk(inner, definition)
                (variables, template) = outer
            case .break: return .leave
            case .continue: return .again
            }
        }
        return .on
    }

    mutating func range(_ branch: TemplateNode.Branch, _ dot: TemplateValue) throws(Stop) {
        let outer = variables.count
        defer { variables.removeSubrange(outer...) }
        place = .other(branch.position)
        let value = try evaluate(branch.pipeline, dot)
        let pipeline = branch.pipeline
        let mark = variables.count
        var isEmpty = true
        /// Whether to go on.
        func once(
            _ execution: inout Self,
            _ index: TemplateValue,
            _ element: TemplateValue
        ) throws(Stop) -> Bool {
            isEmpty = false
            try execution.step()
            let names = pipeline.variables
            if pipeline.isAssignment {
                if names.count > 1 {
                    try execution.assign(names[0], index)
                    try execution.assign(names[1], element)
                } else if names.count == 1 {
                    try execution.assign(names[0], element)
                }
            } else {
                if names.count > 0 { execution.variables[mark - 1].value = element }
                if names.count > 1 { execution.variables[mark - 2].value = index }
            }
            let flow = try execution.walk(element, branch.list)
            execution.variables.removeSubrange(mark...)
            switch flow {
            case .on, .again: return true
            case .leave: return false
            }
        }
        switch value {
        case .samples(let samples):
            for (index, sample) in samples.items.enumerated() {
                guard try once(&self, .int(Int64(index)), .sample(sample)) else { return }
            }
        case .labels(let labels):
            for label in labels {
                guard try once(&self, .string(label.name), .string(label.value)) else { return }
            }
        case .arguments(let arguments):
            for entry in arguments.entries.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
                guard try once(&self, .string(entry.name), entry.value) else { return }
            }
        case .int(let count), .named(_, let count, _):
            if pipeline.variables.count > 1 {
                throw failure("can't use \(count) to iterate over more than one variable")
            }
            var number: Int64 = 0
            while number < count {
                guard try once(&self, .nothing, .int(number)) else { return }
                number += 1
            }
        case .nothing, .sample(nil): break
        case .sample(let sample?):
            throw failure("range can't iterate over {\(TemplateValue.sample(sample).text.dropFirst(2))")
        case .bool, .float, .complex, .string, .html, .data, .histogram, .time, .duration:
            throw failure("range can't iterate over \(value.text)")
        }
        if isEmpty, let otherwise = branch.otherwise { _ = try walk(dot, otherwise) }
    }

    // MARK: Pipelines

    mutating func assign(_ name: String, _ value: TemplateValue) throws(Stop) {
        guard let index = variables.lastIndex(where: { $0.name == name }) else {
            throw failure("undefined variable: \(name)")
        }
        variables[index].value = value
    }

    mutating func evaluate(_ pipeline: TemplatePipeline, _ dot: TemplateValue) throws(Stop) -> TemplateValue {
        place = .pipeline(pipeline)
        var value: TemplateValue?
        for command in pipeline.commands { value = try evaluate(command, dot, value) }
        let result = value ?? .nothing
        for name in pipeline.variables {
            if pipeline.isAssignment { try assign(name, result) } else { variables.append((name, result)) }
        }
        return result
    }

    func notAFunction(_ operands: [TemplateOperand], _ final: TemplateValue?) throws(Stop) {
        if operands.count > 1 || final != nil {
            throw failure("can't give argument to non-function \(operands[0].description)")
        }
    }

    mutating func evaluate(
        _ command: TemplateCommand,
        _ dot: TemplateValue,
        _ final: TemplateValue?
    ) throws(Stop) -> TemplateValue {
        let operands = command.operands
        let first = operands[0]
        switch first {
        case .field, .chain, .variable:
            return try evaluateField(first, dot, Array(operands.dropFirst()), final)
        case .identifier(let name, _):
            place = .operand(first)
            return try call(name, Array(operands.dropFirst()), final, dot, .command(command))
        case .pipeline(let pipeline):
            try notAFunction(operands, final)
            return try evaluate(pipeline, dot)
        case .bool, .dot, .null, .number, .string:
            place = .operand(first)
            try notAFunction(operands, final)
            if case .dot = first { return dot }
            if case .null = first { throw failure("nil is not a command") }
            return try constant(first)
        }
    }

    /// A literal as a value of its own type.
    func constant(_ operand: TemplateOperand) throws(Stop) -> TemplateValue {
        switch operand {
        case .bool(let value, _): return .bool(value)
        case .string(let text, _, _): return .string(text)
        case .number(let number, _):
            if let (real, imaginary) = number.complex { return .complex(real, imaginary) }
            let text = number.text
            let isHexadecimal = text.hasPrefix("0x") || text.hasPrefix("0X")
            if let float = number.float, !text.hasPrefix("'"), !isHexadecimal || text.lowercased().contains("p"),
                text.utf8.contains(where: { ".eEpP".utf8.contains($0) })
            {
                return .float(float)
            }
            if let integer = number.integer { return .int(integer) }
            throw failure("\(text) overflows int")
        case .dot, .null, .field, .variable, .identifier, .chain, .pipeline: return .nothing
        }
    }

    // MARK: Fields

    mutating func evaluateField(
        _ operand: TemplateOperand,
        _ dot: TemplateValue,
        _ arguments: [TemplateOperand],
        _ final: TemplateValue?
    ) throws(Stop) -> TemplateValue {
        place = .operand(operand)
        var receiver: TemplateValue
        let names: ArraySlice<String>
        switch operand {
        case .field(let path, _):
            receiver = dot
            names = path[...]
        case .variable(let path, _):
            guard let known = variables.last(where: { $0.name == path[0] }) else {
                throw failure("undefined variable: \(path[0])")
            }
            receiver = known.value
            names = path.dropFirst()
            if names.isEmpty {
                if !arguments.isEmpty || final != nil {
                    throw failure("can't give argument to non-function \(operand.description)")
                }
                return receiver
            }
        case .chain(let inner, let path, _):
            if case .null = inner { throw failure("indirection through explicit nil in \(operand.description)") }
            receiver = try argument(inner, .value, dot)
            names = path[...]
        case .dot, .null, .bool, .number, .string, .identifier, .pipeline: return .nothing
        }
        var isInterface = false
        for name in names.dropLast() {
            let isWrapped = Self.isInterface(receiver, name)
            receiver = try field(receiver, name, operand, isInterface, [], nil, dot)
            isInterface = isWrapped
        }
        guard let last = names.last else { return receiver }
        return try field(receiver, last, operand, isInterface, arguments, final, dot)
    }

    /// Whether a field holds a value of any type, which messages then name.
    static func isInterface(_ receiver: TemplateValue, _ name: String) -> Bool {
        switch receiver {
        case .data, .sample: name == "Value"
        case .arguments: true
        case .nothing, .bool, .int, .named, .float, .complex, .string, .html, .labels, .samples, .histogram, .time,
            .duration:
            false
        }
    }

    mutating func field(
        _ receiver: TemplateValue,
        _ name: String,
        _ operand: TemplateOperand,
        _ isInterface: Bool,
        _ arguments: [TemplateOperand],
        _ final: TemplateValue?,
        _ dot: TemplateValue
    ) throws(Stop) -> TemplateValue {
        let hasArguments = !arguments.isEmpty || final != nil
        func found(_ value: TemplateValue) throws(Stop) -> TemplateValue {
            if hasArguments { throw failure("\(name) has arguments but cannot be invoked as function") }
            return value
        }
        let type = isInterface ? "interface {}" : receiver.type
        switch receiver {
        case .nothing:
            if isInterface { throw failure("nil pointer evaluating interface {}.\(name)") }
            return .nothing
        case .labels(let labels):
            if hasArguments { throw failure("\(name) is not a method but has arguments") }
            return .string(labels[name] ?? "")
        case .arguments(let named):
            if hasArguments { throw failure("\(name) is not a method but has arguments") }
            return named.entries.first { $0.name == name }?.value ?? .nothing
        case .data(let data):
            switch name {
            case "Labels": return try found(.labels(data.labels))
            case "ExternalLabels": return try found(.labels(data.externalLabels))
            case "ExternalURL": return try found(.string(data.externalURL))
            case "Value": return try found(TemplateValue(data.sample))
            default: break
            }
        case .sample(let sample):
            switch name {
            case "Labels", "Value":
                guard let sample else { throw failure("nil pointer evaluating \(type).\(name)") }
                return try found(name == "Labels" ? .labels(sample.labels) : TemplateValue(sample))
            default: break
            }
        case .time, .duration, .named("time.Month", _, _), .named("time.Weekday", _, _):
            if let method = TemplateMethod(receiver, name) {
                let values = try values(
                    name,
                    TemplateFunction.Signature(method.parameters),
                    arguments,
                    final,
                    dot
                )
                return method.call(values)
            }
        case .histogram(let histogram):
            if let value = TemplateValue(field: name, of: histogram) { return try found(value) }
        case .bool, .int, .named, .float, .complex, .string, .html, .samples: break
        }
        throw failure("can't evaluate field \(name) in type \(type)")
    }
}
