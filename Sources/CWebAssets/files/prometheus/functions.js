// Every function and aggregator with its signature and one line on what it is for. "~" marks the experimental ones.

const TABLE = `
abs(v instant-vector)|Each value without its sign.
absent(v instant-vector)|1 if the selector finds nothing: for alerts on series that vanished.
absent_over_time(v range-vector)|1 if the window holds no sample at all.
acos(v instant-vector)|Arc cosine, in radians.
acosh(v instant-vector)|Inverse hyperbolic cosine.
asin(v instant-vector)|Arc sine, in radians.
asinh(v instant-vector)|Inverse hyperbolic sine.
atan(v instant-vector)|Arc tangent, in radians.
atanh(v instant-vector)|Inverse hyperbolic tangent.
avg_over_time(v range-vector)|Mean of the samples in the window.
ceil(v instant-vector)|Rounded up to a whole number.
changes(v range-vector)|How often the value changed in the window.
clamp(v instant-vector, min scalar, max scalar)|Values kept between min and max.
clamp_max(v instant-vector, max scalar)|Values not above max.
clamp_min(v instant-vector, min scalar)|Values not below min.
cos(v instant-vector)|Cosine of radians.
cosh(v instant-vector)|Hyperbolic cosine.
count_over_time(v range-vector)|Number of samples in the window.
day_of_month(v=vector(time()) instant-vector)|Day of the month (1–31), UTC.
day_of_week(v=vector(time()) instant-vector)|Day of the week (0 is Sunday), UTC.
day_of_year(v=vector(time()) instant-vector)|Day of the year (1–366), UTC.
days_in_month(v=vector(time()) instant-vector)|Length of the month (28–31).
deg(v instant-vector)|Radians to degrees.
delta(v range-vector)|Difference of a gauge over the window, extrapolated to its edges.
deriv(v range-vector)|Slope of a gauge per second, by linear regression.
~double_exponential_smoothing(v range-vector, sf scalar, tf scalar)|Smoothed value with level and trend (Holt).
~end()|The query's end in Unix seconds.
exp(v instant-vector)|e to the power of each value.
~first_over_time(v range-vector)|The oldest sample in the window.
floor(v instant-vector)|Rounded down to a whole number.
histogram_avg(v instant-vector)|Mean of the observations in native histograms.
histogram_count(v instant-vector)|Number of observations in native histograms.
histogram_fraction(lower scalar, upper scalar, b instant-vector)|Share of observations between two bounds.
histogram_quantile(φ scalar, b instant-vector)|Quantile from classic buckets (keep le) or native histograms.
~histogram_quantiles(v instant-vector, label string, φ scalar, ...)|Several quantiles at once, told apart by a label.
histogram_stddev(v instant-vector)|Standard deviation of the observations in native histograms.
histogram_stdvar(v instant-vector)|Variance of the observations in native histograms.
histogram_sum(v instant-vector)|Sum of the observations in native histograms.
hour(v=vector(time()) instant-vector)|Hour of the day (0–23), UTC.
idelta(v range-vector)|Difference of the last two samples of a gauge.
increase(v range-vector)|Growth of a counter over the window: resets mended, extrapolated to the edges.
~info(v instant-vector, [selector])|Adds the labels of matching info metrics.
irate(v range-vector)|Growth of a counter per second between its last two samples.
label_join(v instant-vector, dst string, separator string, src string, ...)|Joins label values into a new label.
label_replace(v instant-vector, dst string, replacement string, src string, regex string)|Sets a label from another one.
last_over_time(v range-vector)|The newest sample in the window.
ln(v instant-vector)|Natural logarithm.
log10(v instant-vector)|Logarithm to base 10.
log2(v instant-vector)|Logarithm to base 2.
~mad_over_time(v range-vector)|Median absolute deviation in the window.
max_over_time(v range-vector)|Largest sample in the window.
~max_of(a scalar, b scalar)|The larger of two durations or numbers.
min_over_time(v range-vector)|Smallest sample in the window.
~min_of(a scalar, b scalar)|The smaller of two durations or numbers.
minute(v=vector(time()) instant-vector)|Minute of the hour (0–59), UTC.
month(v=vector(time()) instant-vector)|Month (1–12), UTC.
pi()|The ratio of a circle: about 3.14159.
predict_linear(v range-vector, t scalar)|The value t seconds from now, by linear regression.
present_over_time(v range-vector)|1 for every series with a sample in the window.
quantile_over_time(φ scalar, v range-vector)|Quantile of the samples in the window.
rad(v instant-vector)|Degrees to radians.
~range()|Length of the query's range in seconds.
rate(v range-vector)|Growth of a counter per second: resets mended, extrapolated to the edges.
resets(v range-vector)|How often a counter fell in the window.
round(v instant-vector, to_nearest=1 scalar)|Rounded to the nearest multiple.
scalar(v instant-vector)|The value of a vector's only series, else NaN.
sgn(v instant-vector)|1, 0 or -1, as the sign.
sin(v instant-vector)|Sine of radians.
sinh(v instant-vector)|Hyperbolic sine.
sort(v instant-vector)|By value, smallest first (in tables).
~sort_by_label(v instant-vector, label string, ...)|By label values, natural order.
~sort_by_label_desc(v instant-vector, label string, ...)|By label values, natural order, backwards.
sort_desc(v instant-vector)|By value, largest first (in tables).
sqrt(v instant-vector)|Square root.
~start_timestamp(v instant-vector)|When each counter began.
~start()|The query's start in Unix seconds.
stddev_over_time(v range-vector)|Standard deviation in the window.
stdvar_over_time(v range-vector)|Variance in the window.
~step()|The query's step in seconds.
sum_over_time(v range-vector)|Sum of the samples in the window.
tan(v instant-vector)|Tangent of radians.
tanh(v instant-vector)|Hyperbolic tangent.
time()|The evaluation time in Unix seconds.
timestamp(v instant-vector)|When each sample was taken, in Unix seconds.
~ts_of_first_over_time(v range-vector)|When the oldest sample in the window was taken.
~ts_of_last_over_time(v range-vector)|When the newest sample in the window was taken.
~ts_of_max_over_time(v range-vector)|When the largest sample in the window was taken.
~ts_of_min_over_time(v range-vector)|When the smallest sample in the window was taken.
vector(s scalar)|A scalar as a series without labels.
year(v=vector(time()) instant-vector)|The year, UTC.
sum by (…) (v)|Total of each group.
avg by (…) (v)|Mean of each group.
min by (…) (v)|Smallest of each group.
max by (…) (v)|Largest of each group.
count by (…) (v)|Number of series in each group.
group by (…) (v)|1 for each group.
stddev by (…) (v)|Standard deviation of each group.
stdvar by (…) (v)|Variance of each group.
topk by (…) (k, v)|The k largest series of each group, with all their labels.
bottomk by (…) (k, v)|The k smallest series of each group, with all their labels.
count_values by (…) (label, v)|How often each value occurs; the value goes into the label.
quantile by (…) (φ, v)|Quantile over the series of each group.
~limitk by (…) (k, v)|Any k series of each group.
~limit_ratio by (…) (r, v)|A stable share of the series of each group.`;

/**
 * @typedef {{name: string, signature: string, text: string, experimental: boolean, aggregator: boolean}} FunctionDoc
 */

/** @type {FunctionDoc[]} */
export const FUNCTIONS = TABLE.trim()
    .split("\n")
    .map((line) => {
        const experimental = line.startsWith("~");
        const [signature, text] = line.slice(experimental ? 1 : 0).split("|");
        return {
            name: /^\w+/.exec(signature)?.[0] ?? "",
            signature,
            text,
            experimental,
            aggregator: / by \(…\) /.test(signature),
        };
    });
