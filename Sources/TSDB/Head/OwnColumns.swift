/// The samples of series outside of streams, by their numbers.
struct OwnColumns: Sendable {
    private let base: UInt32
    /// Place plus one by the series' distance from ``base``; 0 for none.
    private var places: [UInt32] = []
    /// The series that have some, in the order in which they came.
    private(set) var series: [UInt32] = []
    private var columns: [HeadSegment.Own] = []

    init(base: UInt32) { self.base = base }

    var isEmpty: Bool { series.isEmpty }
    var count: Int { series.count }

    @inline(__always)
    private func place(of number: UInt32) -> Int? {
        let index = Int(number &- base)
        guard index < places.count, places[index] != 0 else { return nil }
        return Int(places[index]) - 1
    }

    func contains(_ number: UInt32) -> Bool { place(of: number) != nil }

    subscript(number: UInt32) -> HeadSegment.Own? { place(of: number).map { columns[$0] } }

    /// Changes the columns of a series, which has none at first.
    @inline(__always)
    mutating func modify(_ number: UInt32, _ body: (inout HeadSegment.Own) -> Void) {
        if let place = place(of: number) { return body(&columns[place]) }
        let index = Int(number &- base)
        if index >= places.count { places.append(contentsOf: repeatElement(0, count: index + 1 - places.count)) }
        series.append(number)
        columns.append(HeadSegment.Own())
        places[index] = UInt32(series.count)
        body(&columns[columns.count - 1])
    }
}
