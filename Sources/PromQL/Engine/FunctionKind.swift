/// What kind of thing a function is to the engine, and which one of its kind.
///
/// Every function has to be named here, and every one of a kind where that kind is evaluated: one that was forgotten does not
/// compile.
enum FunctionKind: Sendable, Hashable {
    /// Of a range vector.
    case range(RangeFunction)
    /// Of each value by itself.
    case element(ElementFunction)
    /// A part of a date.
    case date(DatePart)
    /// Of instant vectors and scalars, evaluated as a whole.
    case vector(VectorFunction)
    /// Of labels.
    case labels(LabelFunction)
    /// Of the query's own times: a number before the evaluation begins.
    case query
}

/// The functions of range vectors.
enum RangeFunction: Sendable, Hashable {
    case absentOverTime, avgOverTime, changes, countOverTime, delta, deriv, doubleExponentialSmoothing,
        firstOverTime, idelta, increase, irate, lastOverTime, madOverTime, maxOverTime, minOverTime, predictLinear,
        presentOverTime, quantileOverTime, rate, resets, stddevOverTime, stdvarOverTime, sumOverTime,
        tsOfFirstOverTime, tsOfLastOverTime, tsOfMaxOverTime, tsOfMinOverTime
}

/// The functions of single values.
enum ElementFunction: Sendable, Hashable {
    case abs, acos, acosh, asin, asinh, atan, atanh, ceil, cos, cosh, deg, exp, floor, ln, log10, log2, rad, sgn,
        sin, sinh, sqrt, tan, tanh
}

/// The parts of a date.
enum DatePart: Sendable, Hashable {
    case dayOfMonth, dayOfWeek, dayOfYear, daysInMonth, hour, minute, month, year
}

/// The functions of instant vectors and scalars.
enum VectorFunction: Sendable, Hashable {
    case absent, clamp, clampMax, clampMin, histogramAvg, histogramCount, histogramFraction, histogramQuantile,
        histogramQuantiles, histogramStddev, histogramStdvar, histogramSum, maxOf, minOf, pi, round, scalar, sort,
        sortByLabel, sortByLabelDesc, sortDesc, startTimestamp, time, timestamp, vector
}

/// The functions that write labels.
enum LabelFunction: Sendable, Hashable {
    case info, labelJoin, labelReplace
}

extension FunctionName {
    /// What it is to the engine.
    var kind: FunctionKind {
        switch self {
        case .absentOverTime: .range(.absentOverTime)
        case .avgOverTime: .range(.avgOverTime)
        case .changes: .range(.changes)
        case .countOverTime: .range(.countOverTime)
        case .delta: .range(.delta)
        case .deriv: .range(.deriv)
        case .doubleExponentialSmoothing: .range(.doubleExponentialSmoothing)
        case .firstOverTime: .range(.firstOverTime)
        case .idelta: .range(.idelta)
        case .increase: .range(.increase)
        case .irate: .range(.irate)
        case .lastOverTime: .range(.lastOverTime)
        case .madOverTime: .range(.madOverTime)
        case .maxOverTime: .range(.maxOverTime)
        case .minOverTime: .range(.minOverTime)
        case .predictLinear: .range(.predictLinear)
        case .presentOverTime: .range(.presentOverTime)
        case .quantileOverTime: .range(.quantileOverTime)
        case .rate: .range(.rate)
        case .resets: .range(.resets)
        case .stddevOverTime: .range(.stddevOverTime)
        case .stdvarOverTime: .range(.stdvarOverTime)
        case .sumOverTime: .range(.sumOverTime)
        case .tsOfFirstOverTime: .range(.tsOfFirstOverTime)
        case .tsOfLastOverTime: .range(.tsOfLastOverTime)
        case .tsOfMaxOverTime: .range(.tsOfMaxOverTime)
        case .tsOfMinOverTime: .range(.tsOfMinOverTime)
        case .abs: .element(.abs)
        case .acos: .element(.acos)
        case .acosh: .element(.acosh)
        case .asin: .element(.asin)
        case .asinh: .element(.asinh)
        case .atan: .element(.atan)
        case .atanh: .element(.atanh)
        case .ceil: .element(.ceil)
        case .cos: .element(.cos)
        case .cosh: .element(.cosh)
        case .deg: .element(.deg)
        case .exp: .element(.exp)
        case .floor: .element(.floor)
        case .ln: .element(.ln)
        case .log10: .element(.log10)
        case .log2: .element(.log2)
        case .rad: .element(.rad)
        case .sgn: .element(.sgn)
        case .sin: .element(.sin)
        case .sinh: .element(.sinh)
        case .sqrt: .element(.sqrt)
        case .tan: .element(.tan)
        case .tanh: .element(.tanh)
        case .dayOfMonth: .date(.dayOfMonth)
        case .dayOfWeek: .date(.dayOfWeek)
        case .dayOfYear: .date(.dayOfYear)
        case .daysInMonth: .date(.daysInMonth)
        case .hour: .date(.hour)
        case .minute: .date(.minute)
        case .month: .date(.month)
        case .year: .date(.year)
        case .absent: .vector(.absent)
        case .clamp: .vector(.clamp)
        case .clampMax: .vector(.clampMax)
        case .clampMin: .vector(.clampMin)
        case .histogramAvg: .vector(.histogramAvg)
        case .histogramCount: .vector(.histogramCount)
        case .histogramFraction: .vector(.histogramFraction)
        case .histogramQuantile: .vector(.histogramQuantile)
        case .histogramQuantiles: .vector(.histogramQuantiles)
        case .histogramStddev: .vector(.histogramStddev)
        case .histogramStdvar: .vector(.histogramStdvar)
        case .histogramSum: .vector(.histogramSum)
        case .maxOf: .vector(.maxOf)
        case .minOf: .vector(.minOf)
        case .pi: .vector(.pi)
        case .round: .vector(.round)
        case .scalar: .vector(.scalar)
        case .sort: .vector(.sort)
        case .sortByLabel: .vector(.sortByLabel)
        case .sortByLabelDesc: .vector(.sortByLabelDesc)
        case .sortDesc: .vector(.sortDesc)
        case .startTimestamp: .vector(.startTimestamp)
        case .time: .vector(.time)
        case .timestamp: .vector(.timestamp)
        case .vector: .vector(.vector)
        case .info: .labels(.info)
        case .labelJoin: .labels(.labelJoin)
        case .labelReplace: .labels(.labelReplace)
        case .start, .end, .range, .step: .query
        }
    }
}
