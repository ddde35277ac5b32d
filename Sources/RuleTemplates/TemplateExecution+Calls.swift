import MetricModel

/// Calls of functions and methods.
extension TemplateExecution {
    mutating func call(
        _ name: String,
        _ arguments: [TemplateOperand],
        _ final: TemplateValue?,
        _ dot: TemplateValue,
        _ caller: Place
    ) throws(Stop) -> TemplateValue {
        guard let function = TemplateFunction(rawValue: name) else {
            throw failure("\(GoText.quoted(name)) is not a defined function")
        }
        if function == .and || function == .or {
            if arguments.isEmpty, final == nil {
                throw failure("wrong number of args for \(name): want at least 1 got 0")
            }
            var value = TemplateValue.nothing
            for argument in arguments {
                value = try self.argument(argument, .value, dot)
                if value.isTrue == (function == .or) { return value }
            }
            return final ?? value
        }
        let values = try values(name, function.signature, arguments, final, dot)
        try charge(values.reduce(0) { $0 + $1.size })
        if function == .query, case .string(let query)? = values.first, asked.count < Self.mostAsked {
            asked.append(query)
        }
        let value: TemplateValue
        do throws(TemplateCallFailure) {
            let result = try apply(function, values)
            // Variables could otherwise double what they hold, again and again.
            if result.length > Self.maximumLength {
                throw TemplateCallFailure("the result is longer than \(Self.maximumLength) bytes")
            }
            value = result
        } catch {
            if let query = error.query { throw .needs(query: query) }
            place = caller
            throw failure("error calling \(name): \(error.message)")
        }
        try charge(value.size)
        return value
    }

    /// An expression, read once however often it is used; reading it counts as steps.
    private mutating func expression(_ pattern: String) throws(TemplateCallFailure) -> RegularExpression {
        if let known = patterns[pattern] { return known }
        // Before it is read: each byte may name a whole class of letters.
        steps += pattern.utf8.count
        if steps > Self.maximumSteps { throw TemplateCallFailure("more than \(Self.maximumSteps) steps") }
        let expression = try TemplateHelpers.expression(pattern)
        steps += 8 * expression.instructionCount / Self.workOfStep
        if patterns.count >= Self.patternLimit { patterns = [:] }
        patterns[pattern] = expression
        return expression
    }

    mutating func values(
        _ name: String,
        _ signature: TemplateFunction.Signature,
        _ arguments: [TemplateOperand],
        _ final: TemplateValue?,
        _ dot: TemplateValue
    ) throws(Stop) -> [TemplateValue] {
        let count = arguments.count + (final == nil ? 0 : 1)
        if signature.rest != nil {
            if count < signature.fixed.count {
                throw failure(
                    "wrong number of args for \(name): want at least \(signature.fixed.count) got \(arguments.count)"
                )
            }
        } else if count != signature.fixed.count {
            throw failure("wrong number of args for \(name): want \(signature.fixed.count) got \(count)")
        }
        func parameter(_ index: Int) -> TemplateFunction.Parameter {
            index < signature.fixed.count ? signature.fixed[index] : signature.rest ?? .any
        }
        var values: [TemplateValue] = []
        for (index, argument) in arguments.enumerated() {
            values.append(try self.argument(argument, parameter(index), dot))
        }
        if let final { values.append(try checked(final, parameter(values.count))) }
        return values
    }

    mutating func argument(
        _ operand: TemplateOperand,
        _ parameter: TemplateFunction.Parameter,
        _ dot: TemplateValue
    ) throws(Stop) -> TemplateValue {
        place = .operand(operand)
        switch operand {
        case .dot: return try checked(dot, parameter)
        case .null:
            if parameter.takesNil { return parameter.none }
            throw failure("cannot assign nil to \(parameter.name)")
        case .field, .variable, .chain: return try checked(evaluateField(operand, dot, [], nil), parameter)
        case .pipeline(let pipeline): return try checked(evaluate(pipeline, dot), parameter)
        case .identifier(let name, _):
            return try checked(call(name, [], nil, dot, .operand(operand)), parameter)
        case .bool, .number, .string:
            switch parameter {
            case .any, .value: return try constant(operand)
            case .string:
                if case .string = operand { return try constant(operand) }
                throw failure("expected string; found \(operand.description)")
            case .int, .duration:
                if case .number(let number, _) = operand, let value = number.integer {
                    return parameter == .int ? .int(value) : .duration(value, isPointer: false)
                }
                throw failure("expected integer; found \(operand.description)")
            case .sample, .samples, .time:
                throw failure("can't handle \(operand.description) for arg of type \(parameter.name)")
            }
        }
    }

    func checked(
        _ value: TemplateValue,
        _ parameter: TemplateFunction.Parameter
    ) throws(Stop) -> TemplateValue {
        switch parameter {
        case .any, .value: return value
        case .string: if case .string = value { return value }
        case .sample: if case .sample = value { return value }
        case .samples: if case .samples = value { return value }
        case .int: if case .int = value { return value }
        case .time: if case .time = value { return value }
        case .duration: if case .duration(let length, _) = value { return .duration(length, isPointer: false) }
        }
        if case .nothing = value {
            if parameter.takesNil { return parameter.none }
            throw failure("invalid value; expected \(parameter.name)")
        }
        throw failure("wrong type for value; expected \(parameter.name); got \(value.type)")
    }

    mutating func apply(
        _ function: TemplateFunction,
        _ values: [TemplateValue]
    ) throws(TemplateCallFailure) -> TemplateValue {
        func text(_ index: Int) -> String {
            if case .string(let text) = values[index] { return text }
            return ""
        }
        func sample(_ index: Int) throws(TemplateCallFailure) -> TemplateSample {
            if case .sample(let sample?) = values[index] { return sample }
            throw .nilPointer
        }
        func samples(_ index: Int) -> TemplateValue.Samples {
            if case .samples(let samples) = values[index] { return samples }
            return TemplateValue.Samples([])
        }
        switch function {
        case .and, .or: return .nothing
        case .not: return .bool(!values[0].isTrue)
        case .eq: return .bool(try TemplateBuiltins.equal(values[0], values.dropFirst()))
        case .ne: return .bool(try !TemplateBuiltins.equal(values[0], values.dropFirst()))
        case .lt: return .bool(try TemplateBuiltins.less(values[0], values[1]))
        case .le: return .bool(try TemplateBuiltins.lessOrEqual(values[0], values[1]))
        case .gt: return .bool(try !TemplateBuiltins.lessOrEqual(values[0], values[1]))
        case .ge: return .bool(try !TemplateBuiltins.less(values[0], values[1]))
        case .len: return .int(try TemplateBuiltins.length(values[0]))
        case .index: return try TemplateBuiltins.index(values[0], values.dropFirst())
        case .slice: return try TemplateBuiltins.slice(values[0], Array(values.dropFirst()))
        case .print: return .string(TemplateBuiltins.print(values))
        case .println: return .string(TemplateBuiltins.printLine(values))
        case .printf: return .string(GoFormat.formatted(text(0), Array(values.dropFirst())))
        case .html: return .string(TemplateBuiltins.html(TemplateBuiltins.joined(values)))
        case .js: return .string(TemplateBuiltins.javaScript(TemplateBuiltins.joined(values)))
        case .urlquery: return .string(URLText.query(TemplateBuiltins.joined(values)))
        case .call:
            if case .nothing = values[0] { throw TemplateCallFailure("call of nil") }
            throw TemplateCallFailure("non-function \(values[0].text) of type \(values[0].type)")
        case .query:
            guard let answer = answers.answers[text(0)] else { throw TemplateCallFailure(needing: text(0)) }
            switch answer {
            case .samples(let samples): return .samples(TemplateValue.Samples(samples))
            case .failure(let message): throw TemplateCallFailure(message)
            }
        case .first:
            guard let first = samples(0).items.first else {
                throw TemplateCallFailure("first() called on vector with no elements")
            }
            return .sample(first)
        case .label: return .string(try sample(1).labels[text(0)] ?? "")
        case .value: return TemplateValue(try sample(0))
        case .strvalue: return .string(try sample(0).labels["__value__"] ?? "")
        case .args:
            let arguments = TemplateValue.Arguments(values)
            if arguments.depth > TemplateValue.Arguments.maximumDepth {
                throw TemplateCallFailure("more than \(TemplateValue.Arguments.maximumDepth) values inside each other")
            }
            return .arguments(arguments)
        case .reReplaceAll:
            let pattern: RegularExpression
            do throws(TemplateCallFailure) {
                pattern = try expression(text(0))
            } catch {
                let quoted = text(0).contains("`") ? GoText.quoted(text(0)) : "`\(text(0))`"
                throw TemplateCallFailure("regexp: Compile(\(quoted)): \(error.message)")
            }
            let room = Self.workOfStep * max(0, Self.maximumSteps - steps)
            var work = room
            defer { steps += (room - work) / Self.workOfStep }
            return .string(try TemplateHelpers.replaceAll(pattern, text(1), text(2), work: &work))
        case .safeHtml: return .html(text(0))
        case .match: return .bool(try expression(text(0)).matches(text(1)))
        case .title: return .string(TemplateHelpers.title(text(0)))
        case .toUpper: return .string(TemplateHelpers.mapped(text(0)) { $0.properties.uppercaseMapping })
        case .toLower: return .string(TemplateHelpers.mapped(text(0)) { $0.properties.lowercaseMapping })
        case .graphLink: return .string("/graph?g0.expr=\(URLText.query(text(0)))&g0.tab=0")
        case .tableLink: return .string("/graph?g0.expr=\(URLText.query(text(0)))&g0.tab=1")
        case .sortByLabel:
            let list = samples(1)
            let keys = list.items.map { $0.labels[text(0)] ?? "" }
            let order = list.items.indices.sorted { left, right in
                keys[left].hasSameBytes(as: keys[right])
                    ? left < right : keys[left].utf8.lexicographicallyPrecedes(keys[right].utf8)
            }
            list.items = order.map { list.items[$0] }
            return .samples(list)
        case .stripPort: return .string(TemplateHelpers.stripPort(text(0)))
        case .stripDomain: return .string(TemplateHelpers.stripDomain(text(0)))
        case .humanize: return .string(TemplateHelpers.humanize(try TemplateHelpers.number(values[0])))
        case .humanize1024: return .string(TemplateHelpers.humanize1024(try TemplateHelpers.number(values[0])))
        case .humanizeDuration: return .string(TemplateHelpers.humanizeDuration(try TemplateHelpers.number(values[0])))
        case .humanizePercentage:
            return .string(TemplateHelpers.humanizePercentage(try TemplateHelpers.number(values[0])))
        case .humanizeTimestamp:
            return .string(try TemplateHelpers.humanizeTimestamp(try TemplateHelpers.number(values[0])))
        case .toTime: return .time(try TemplateHelpers.time(try TemplateHelpers.number(values[0])))
        case .toDuration:
            return .duration(TemplateHelpers.duration(try TemplateHelpers.number(values[0])), isPointer: true)
        case .now: return .float(Double(data.time) / 1000)
        case .pathPrefix:
            guard let prefix = data.pathPrefix else {
                throw TemplateCallFailure("runtime error: invalid memory address or nil pointer dereference")
            }
            return .string(prefix)
        case .externalURL:
            if data.pathPrefix == nil {
                throw TemplateCallFailure("runtime error: invalid memory address or nil pointer dereference")
            }
            return .string(data.externalURL)
        case .parseDuration: return .float(try TemplateHelpers.parseDuration(text(0)))
        case .urlQueryEscape: return .string(URLText.query(text(0)))
        }
    }
}

extension TemplateFunction.Parameter {
    /// What `nil` is as a value of the type.
    fileprivate var none: TemplateValue {
        switch self {
        case .sample: .sample(nil)
        case .samples: .samples(TemplateValue.Samples([]))
        case .string, .any, .value, .int, .duration, .time: .nothing
        }
    }
}
