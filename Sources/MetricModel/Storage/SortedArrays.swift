extension Array where Element: Comparable {
    /// What is in both of two ascending lists.
    @inlinable
    package func common(with other: [Element]) -> [Element] {
        var result: [Element] = []
        result.reserveCapacity(Swift.min(count, other.count))
        var (own, others) = (0, 0)
        while own < count, others < other.count {
            if self[own] == other[others] {
                result.append(self[own])
                own += 1
                others += 1
            } else if self[own] < other[others] {
                own += 1
            } else {
                others += 1
            }
        }
        return result
    }
}
