/// An operator between two expressions; the raw value is how it is written.
public enum BinaryOperator: String, Hashable, Sendable, CaseIterable {
    /// Addition.
    case add = "+"
    /// Subtraction.
    case subtract = "-"
    /// Multiplication.
    case multiply = "*"
    /// Division.
    case divide = "/"
    /// Remainder.
    case modulo = "%"
    /// Power.
    case power = "^"
    /// The angle of the two operands as coordinates.
    case atan2
    /// Equality.
    case equal = "=="
    /// Inequality.
    case notEqual = "!="
    /// Less.
    case less = "<"
    /// Less or equal.
    case lessOrEqual = "<="
    /// Greater.
    case greater = ">"
    /// Greater or equal.
    case greaterOrEqual = ">="
    /// Drops a native histogram's observations above the scalar.
    case trimUpper = "</"
    /// Drops a native histogram's observations below the scalar.
    case trimLower = ">/"
    /// Intersection.
    case and
    /// Union.
    case or
    /// Complement.
    case unless

    /// Whether it compares.
    public var isComparison: Bool {
        switch self {
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: true
        case .add, .subtract, .multiply, .divide, .modulo, .power, .atan2, .trimUpper, .trimLower, .and, .or, .unless:
            false
        }
    }

    /// Whether it combines sets of series.
    public var isSetOperator: Bool { self == .and || self == .or || self == .unless }

    /// How tightly it binds: a greater number binds tighter.
    package var precedence: Int {
        switch self {
        case .or: 1
        case .and, .unless: 2
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .trimUpper, .trimLower: 3
        case .add, .subtract: 4
        case .multiply, .divide, .modulo, .atan2: 5
        case .power: 6
        }
    }
}

/// An operator before an expression.
public enum UnaryOperator: String, Hashable, Sendable {
    /// Leaves the value as it is.
    case plus = "+"
    /// Negates the value.
    case minus = "-"
}

/// An operator that aggregates over series; the raw value is how it is written.
public enum AggregateOperator: String, Hashable, Sendable, CaseIterable {
    /// The mean.
    case avg
    /// The smallest elements.
    case bottomk
    /// The number of elements.
    case count
    /// The number of elements with each value.
    case countValues = "count_values"
    /// 1 for each group.
    case group
    /// The greatest value.
    case max
    /// The smallest value.
    case min
    /// A quantile.
    case quantile
    /// The standard deviation.
    case stddev
    /// The variance.
    case stdvar
    /// The sum.
    case sum
    /// The greatest elements.
    case topk
    /// A sample of a number of elements.
    case limitk
    /// A sample of a share of the elements.
    case limitRatio = "limit_ratio"

    /// Whether it takes a parameter before the vector.
    public var takesParameter: Bool {
        switch self {
        case .topk, .bottomk, .countValues, .quantile, .limitk, .limitRatio: true
        case .avg, .count, .group, .max, .min, .stddev, .stdvar, .sum: false
        }
    }

    /// Whether it is there only with `--enable-feature=promql-experimental-functions`.
    public var isExperimental: Bool { self == .limitk || self == .limitRatio }
}
