/// Kahan's summation with Neumaier's improvement, step by step as Prometheus does it, so that sums agree to the last bit.
public enum CompensatedSum {
    /// Adds `increment` to `sum`, whose lost low bits are kept in `compensation`.
    @inlinable @inline(__always)
    public static func add(_ increment: Double, _ sum: inout Double, _ compensation: inout Double) {
        let total = sum + increment
        if total.isInfinite {
            compensation = 0
        } else if sum.magnitude >= increment.magnitude {
            compensation += (sum - total) + increment
        } else {
            compensation += (increment - total) + sum
        }
        sum = total
    }
}
