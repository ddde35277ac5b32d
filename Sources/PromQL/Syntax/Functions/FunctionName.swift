/// The functions of the language; the raw value is how each is written.
public enum FunctionName: String, Hashable, Sendable, CaseIterable {
    /// `abs`.
    case abs
    /// `absent`.
    case absent
    /// `absent_over_time`.
    case absentOverTime = "absent_over_time"
    /// `acos`.
    case acos
    /// `acosh`.
    case acosh
    /// `asin`.
    case asin
    /// `asinh`.
    case asinh
    /// `atan`.
    case atan
    /// `atanh`.
    case atanh
    /// `avg_over_time`.
    case avgOverTime = "avg_over_time"
    /// `ceil`.
    case ceil
    /// `changes`.
    case changes
    /// `clamp`.
    case clamp
    /// `clamp_max`.
    case clampMax = "clamp_max"
    /// `clamp_min`.
    case clampMin = "clamp_min"
    /// `cos`.
    case cos
    /// `cosh`.
    case cosh
    /// `count_over_time`.
    case countOverTime = "count_over_time"
    /// `day_of_month`.
    case dayOfMonth = "day_of_month"
    /// `day_of_week`.
    case dayOfWeek = "day_of_week"
    /// `day_of_year`.
    case dayOfYear = "day_of_year"
    /// `days_in_month`.
    case daysInMonth = "days_in_month"
    /// `deg`.
    case deg
    /// `delta`.
    case delta
    /// `deriv`.
    case deriv
    /// `double_exponential_smoothing`.
    case doubleExponentialSmoothing = "double_exponential_smoothing"
    /// `end`.
    case end
    /// `exp`.
    case exp
    /// `first_over_time`.
    case firstOverTime = "first_over_time"
    /// `floor`.
    case floor
    /// `histogram_avg`.
    case histogramAvg = "histogram_avg"
    /// `histogram_count`.
    case histogramCount = "histogram_count"
    /// `histogram_fraction`.
    case histogramFraction = "histogram_fraction"
    /// `histogram_quantile`.
    case histogramQuantile = "histogram_quantile"
    /// `histogram_quantiles`.
    case histogramQuantiles = "histogram_quantiles"
    /// `histogram_stddev`.
    case histogramStddev = "histogram_stddev"
    /// `histogram_stdvar`.
    case histogramStdvar = "histogram_stdvar"
    /// `histogram_sum`.
    case histogramSum = "histogram_sum"
    /// `hour`.
    case hour
    /// `idelta`.
    case idelta
    /// `increase`.
    case increase
    /// `info`.
    case info
    /// `irate`.
    case irate
    /// `label_join`.
    case labelJoin = "label_join"
    /// `label_replace`.
    case labelReplace = "label_replace"
    /// `last_over_time`.
    case lastOverTime = "last_over_time"
    /// `ln`.
    case ln
    /// `log10`.
    case log10
    /// `log2`.
    case log2
    /// `mad_over_time`.
    case madOverTime = "mad_over_time"
    /// `max_of`.
    case maxOf = "max_of"
    /// `max_over_time`.
    case maxOverTime = "max_over_time"
    /// `min_of`.
    case minOf = "min_of"
    /// `min_over_time`.
    case minOverTime = "min_over_time"
    /// `minute`.
    case minute
    /// `month`.
    case month
    /// `pi`.
    case pi
    /// `predict_linear`.
    case predictLinear = "predict_linear"
    /// `present_over_time`.
    case presentOverTime = "present_over_time"
    /// `quantile_over_time`.
    case quantileOverTime = "quantile_over_time"
    /// `rad`.
    case rad
    /// `range`.
    case range
    /// `rate`.
    case rate
    /// `resets`.
    case resets
    /// `round`.
    case round
    /// `scalar`.
    case scalar
    /// `sgn`.
    case sgn
    /// `sin`.
    case sin
    /// `sinh`.
    case sinh
    /// `sort`.
    case sort
    /// `sort_by_label`.
    case sortByLabel = "sort_by_label"
    /// `sort_by_label_desc`.
    case sortByLabelDesc = "sort_by_label_desc"
    /// `sort_desc`.
    case sortDesc = "sort_desc"
    /// `sqrt`.
    case sqrt
    /// `start`.
    case start
    /// `start_timestamp`.
    case startTimestamp = "start_timestamp"
    /// `stddev_over_time`.
    case stddevOverTime = "stddev_over_time"
    /// `stdvar_over_time`.
    case stdvarOverTime = "stdvar_over_time"
    /// `step`.
    case step
    /// `sum_over_time`.
    case sumOverTime = "sum_over_time"
    /// `tan`.
    case tan
    /// `tanh`.
    case tanh
    /// `time`.
    case time
    /// `timestamp`.
    case timestamp
    /// `ts_of_first_over_time`.
    case tsOfFirstOverTime = "ts_of_first_over_time"
    /// `ts_of_last_over_time`.
    case tsOfLastOverTime = "ts_of_last_over_time"
    /// `ts_of_max_over_time`.
    case tsOfMaxOverTime = "ts_of_max_over_time"
    /// `ts_of_min_over_time`.
    case tsOfMinOverTime = "ts_of_min_over_time"
    /// `vector`.
    case vector
    /// `year`.
    case year
}
