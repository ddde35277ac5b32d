extension FunctionSignature {
    /// The signature of each function.
    static func signature(of name: FunctionName) -> FunctionSignature {
        switch name {
        case .pi, .time:
            FunctionSignature(name, [], .scalar)
        case .absentOverTime, .avgOverTime, .changes, .countOverTime, .delta, .deriv, .firstOverTime, .idelta,
            .increase, .irate, .lastOverTime, .maxOverTime, .minOverTime, .presentOverTime, .rate, .resets,
            .stddevOverTime, .stdvarOverTime, .sumOverTime:
            FunctionSignature(name, [.matrix], .vector)
        case .predictLinear:
            FunctionSignature(name, [.matrix, .scalar], .vector)
        case .vector:
            FunctionSignature(name, [.scalar], .vector)
        case .quantileOverTime:
            FunctionSignature(name, [.scalar, .matrix], .vector)
        case .histogramFraction:
            FunctionSignature(name, [.scalar, .scalar, .vector], .vector)
        case .histogramQuantile:
            FunctionSignature(name, [.scalar, .vector], .vector)
        case .scalar:
            FunctionSignature(name, [.vector], .scalar)
        case .abs, .absent, .acos, .acosh, .asin, .asinh, .atan, .atanh, .ceil, .cos, .cosh, .deg, .exp,
            .floor, .histogramAvg, .histogramCount, .histogramStddev, .histogramStdvar, .histogramSum, .ln,
            .log10, .log2, .rad, .sgn, .sin, .sinh, .sort, .sortDesc, .sqrt, .tan, .tanh, .timestamp:
            FunctionSignature(name, [.vector], .vector)
        case .dayOfMonth, .dayOfWeek, .dayOfYear, .daysInMonth, .hour, .minute, .month, .year:
            FunctionSignature(name, [.vector], .vector, variadic: 1)
        case .clampMax, .clampMin:
            FunctionSignature(name, [.vector, .scalar], .vector)
        case .round:
            FunctionSignature(name, [.vector, .scalar], .vector, variadic: 1)
        case .clamp:
            FunctionSignature(name, [.vector, .scalar, .scalar], .vector)
        case .labelJoin:
            FunctionSignature(name, [.vector, .string, .string, .string], .vector, variadic: -1)
        case .labelReplace:
            FunctionSignature(name, [.vector, .string, .string, .string, .string], .vector)
        case .end, .range, .start, .step:
            FunctionSignature(name, [], .scalar, isExperimental: true)
        case .madOverTime, .tsOfFirstOverTime, .tsOfLastOverTime, .tsOfMaxOverTime, .tsOfMinOverTime:
            FunctionSignature(name, [.matrix], .vector, isExperimental: true)
        case .doubleExponentialSmoothing:
            FunctionSignature(name, [.matrix, .scalar, .scalar], .vector, isExperimental: true)
        case .maxOf, .minOf:
            FunctionSignature(name, [.scalar, .scalar], .scalar, isExperimental: true)
        case .startTimestamp:
            FunctionSignature(name, [.vector], .vector, isExperimental: true)
        case .sortByLabel, .sortByLabelDesc:
            FunctionSignature(name, [.vector, .string], .vector, variadic: -1, isExperimental: true)
        case .histogramQuantiles:
            FunctionSignature(name, [.vector, .string, .scalar, .scalar], .vector, variadic: 9, isExperimental: true)
        case .info:
            FunctionSignature(name, [.vector, .vector], .vector, variadic: 1, isExperimental: true)
        }
    }
}
