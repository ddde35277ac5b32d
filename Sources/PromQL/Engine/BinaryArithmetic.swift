internal import MetricModel

/// The operators on plain numbers.
enum FloatOperator {
    /// The result of an arithmetic operator.
    @inline(__always)
    static func arithmetic(_ operation: BinaryOperator, _ left: Double, _ right: Double) -> Double {
        switch operation {
        case .add: left + right
        case .subtract: left - right
        case .multiply: left * right
        case .divide: left / right
        case .power: GoMath.pow(left, right)
        case .modulo: left.truncatingRemainder(dividingBy: right)
        case .atan2: GoMath.atan2(left, right)
        case .equal, .notEqual, .less, .greater, .lessOrEqual, .greaterOrEqual, .trimLower, .trimUpper, .and, .or,
            .unless:
            .nan
        }
    }

    /// Whether a comparison holds.
    @inline(__always)
    static func compares(_ operation: BinaryOperator, _ left: Double, _ right: Double) -> Bool {
        switch operation {
        case .equal: left == right
        case .notEqual: left != right
        case .greater: left > right
        case .less: left < right
        case .greaterOrEqual: left >= right
        case .lessOrEqual: left <= right
        case .add, .subtract, .multiply, .divide, .modulo, .power, .atan2, .trimLower, .trimUpper, .and, .or, .unless:
            false
        }
    }

    /// The result between two scalars: comparisons answer 0 and 1.
    static func scalar(_ operation: BinaryOperator, _ left: Double, _ right: Double) -> Double {
        operation.isComparison
            ? (compares(operation, left, right) ? 1 : 0) : arithmetic(operation, left, right)
    }
}

/// How an operator combines two rows: fast where both are floats.
struct RowOperator {
    let operation: BinaryOperator
    let returnsBool: Bool
    /// Where the operator stands.
    let position: PositionRange
    /// Whether a comparison answers the right operand where it holds: with a scalar on the left.
    var answersRight = false

    /// Goes through a row in stretches at each of which limits can be looked at; until `body` answers that it is enough.
    @inline(__always)
    static func forEachPiece(_ steps: Int, _ body: (Range<Int>) -> Bool) {
        var start = 0
        while start < steps {
            let end = min(start + WorkMeter.interval, steps)
            if !body(start..<end) { return }
            start = end
        }
    }

    /// Combines float rows of the same length. A step stride of 0 repeats the first value.
    func combine(
        _ left: UnsafePointer<Double>,
        _ leftStride: Int,
        _ right: UnsafePointer<Double>,
        _ rightStride: Int,
        _ output: UnsafeMutablePointer<Double>,
        _ count: Int
    ) {
        @inline(__always)
        func each(_ body: (Double, Double) -> Double) {
            for step in 0..<count {
                let a = left[step &* leftStride]
                let b = right[step &* rightStride]
                let result = body(a, b)
                output[step] = Absent.isAbsent(a) || Absent.isAbsent(b) ? Absent.value : result
            }
        }
        @inline(__always)
        func filter(_ holds: (Double, Double) -> Bool) {
            if returnsBool {
                each { holds($0, $1) ? 1 : 0 }
            } else if answersRight {
                each { holds($0, $1) ? $1 : Absent.value }
            } else {
                each { holds($0, $1) ? $0 : Absent.value }
            }
        }
        switch operation {
        case .add: each { $0 + $1 }
        case .subtract: each { $0 - $1 }
        case .multiply: each { $0 * $1 }
        case .divide: each { $0 / $1 }
        case .equal: filter { $0 == $1 }
        case .notEqual: filter { $0 != $1 }
        case .greater: filter { $0 > $1 }
        case .less: filter { $0 < $1 }
        case .greaterOrEqual: filter { $0 >= $1 }
        case .lessOrEqual: filter { $0 <= $1 }
        case .power, .modulo, .atan2: each { FloatOperator.arithmetic(operation, $0, $1) }
        case .trimLower, .trimUpper, .and, .or, .unless:
            for step in 0..<count { output[step] = Absent.value }
        }
    }

    /// What an element of which at least one is a histogram comes to.
    enum Outcome {
        /// Nothing, and no match either: the operator does not know such operands.
        case impossible
        /// A match with a result, or (where nothing is kept) without one.
        case match(Double, NativeHistogram?, isKept: Bool)
    }

    /// Combines elements of which at least one is a histogram, or which an operator for histograms refuses.
    /// - Parameter notes: what there is to tell; the last one of a step counts.
    func combine(
        _ left: Double,
        _ leftHistogram: NativeHistogram?,
        _ right: Double,
        _ rightHistogram: NativeHistogram?,
        _ notes: inout StepNotes
    ) -> Outcome {
        switch (leftHistogram, rightHistogram) {
        case (nil, nil):
            if operation == .trimLower || operation == .trimUpper {
                notes.last = .types("float", "float")
                return .impossible
            }
            if operation.isComparison {
                return .match(left, nil, isKept: FloatOperator.compares(operation, left, right))
            }
            return .match(FloatOperator.arithmetic(operation, left, right), nil, isKept: true)
        case (nil, var histogram?):
            guard operation == .multiply else {
                notes.last = .types("float", "histogram")
                return .impossible
            }
            histogram.multiply(by: left)
            histogram.compact()
            return .match(0, histogram, isKept: true)
        case (var histogram?, nil):
            switch operation {
            case .multiply: histogram.multiply(by: right)
            case .divide: histogram.divide(by: right)
            case .trimUpper: histogram.trim(at: right, .keepingBelow)
            case .trimLower: histogram.trim(at: right, .keepingAbove)
            case .add, .subtract, .modulo, .power, .atan2, .equal, .notEqual, .less, .greater, .lessOrEqual,
                .greaterOrEqual, .and, .or, .unless:
                notes.last = .types("histogram", "float")
                return .impossible
            }
            if operation == .multiply || operation == .divide { histogram.compact() }
            return .match(0, histogram, isKept: true)
        case (var histogram?, let other?):
            switch operation {
            case .equal: return .match(0, histogram, isKept: histogram.isSameData(as: other))
            case .notEqual: return .match(0, histogram, isKept: !histogram.isSameData(as: other))
            case .add, .subtract: return combine(&histogram, other, &notes)
            case .multiply, .divide, .modulo, .power, .atan2, .less, .greater, .lessOrEqual, .greaterOrEqual,
                .trimLower, .trimUpper, .and, .or, .unless:
                notes.last = .types("histogram", "histogram")
                return .impossible
            }
        }
    }

    private func combine(
        _ histogram: inout NativeHistogram,
        _ other: NativeHistogram,
        _ notes: inout StepNotes
    ) -> Outcome {
        let combination: HistogramCombination = operation == .add ? .addition : .subtraction
        do throws(IncompatibleHistogramLayouts) {
            let seen = operation == .add ? try histogram.add(other) : try histogram.subtract(other)
            if operation == .subtract { histogram.counterResetHint = .gauge }
            histogram.compact()
            if seen.boundsReconciled { notes.last = .reconciled(combination) }
            if seen.resetsCollide {
                // Prometheus takes a warning for a failure: the element is not answered.
                notes.last = .collision(combination)
                return .impossible
            }
            return .match(0, histogram, isKept: true)
        } catch {
            notes.last = .layouts
            return .impossible
        }
    }
}

/// What the elements of a step gave rise to; only the last of them is told.
struct StepNotes {
    enum Note {
        case types(String, String)
        case collision(HistogramCombination)
        case reconciled(HistogramCombination)
        case layouts
    }

    var last: Note?

    func tell(_ operation: RowOperator, _ notes: inout Annotations) {
        switch last {
        case nil: break
        case .types(let left, let right):
            notes.incompatibleTypes(left, operation.operation.rawValue, right, operation.position)
        case .collision(let combination): notes.counterResetCollision(combination, operation.position)
        case .reconciled(let combination): notes.boundsReconciled(combination, operation.position)
        case .layouts: notes.incompatibleLayouts(operation.operation.rawValue, operation.position)
        }
    }
}

extension BinaryOperator {
    /// How much longer than an addition it takes, about.
    var weight: Int {
        switch self {
        case .power, .modulo, .atan2: 32
        case .add, .subtract, .multiply, .divide, .equal, .notEqual, .less, .greater, .lessOrEqual, .greaterOrEqual,
            .trimLower, .trimUpper, .and, .or, .unless:
            1
        }
    }

    /// Whether the result is another metric than the operands.
    var changesMetric: Bool {
        switch self {
        case .add, .subtract, .multiply, .divide, .power, .modulo, .atan2: true
        case .equal, .notEqual, .less, .greater, .lessOrEqual, .greaterOrEqual, .trimLower, .trimUpper, .and, .or,
            .unless:
            false
        }
    }
}
