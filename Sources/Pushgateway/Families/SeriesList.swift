/// The metrics of a family. Most families have one in each group, which then needs no array.
struct SeriesList: RandomAccessCollection, MutableCollection {
    typealias Series = SanitizedFamily.Series

    private var rest: [Series] = []
    private var first: Series
    private var isEmptyList: Bool

    init(_ series: [Series]) {
        isEmptyList = series.isEmpty
        first = series.first ?? Series(fingerprint: 0, textEnd: 0)
        if series.count > 1 { rest = series.withUnsafeBufferPointer { Array($0.dropFirst()) } }
    }

    var startIndex: Int { 0 }
    var endIndex: Int { isEmptyList ? 0 : rest.count + 1 }

    subscript(index: Int) -> Series {
        @inline(__always) get { index == 0 ? first : rest[index - 1] }
        @inline(__always) set { if index == 0 { first = newValue } else { rest[index - 1] = newValue } }
    }
}
