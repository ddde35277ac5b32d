import CSQLite
import MetricModel

/// The virtual table `samples(name, labels, ts, value)` over the engine.
///
/// SQLite calls through C functions; what belongs to them is held by unmanaged references in the structures that it passes.
final class SamplesTable: Sendable {
    let engine: Engine
    let selector: (@Sendable (String) throws -> [LabelMatcher])?

    init(engine: Engine, selector: (@Sendable (String) throws -> [LabelMatcher])?) {
        self.engine = engine
        self.selector = selector
    }

    /// Columns by number.
    enum Column: Int32 {
        case name = 0
        case labels = 1
        case time = 2
        case value = 3
        /// Hidden: the argument in `samples('…')`.
        case selector = 4
    }

    /// What one connected table holds: SQLite's part first.
    struct Connected {
        var base = sqlite3_vtab()
        var table: Unmanaged<SamplesTable>
    }

    /// What one cursor holds: SQLite's part first.
    struct Opened {
        var base = sqlite3_vtab_cursor()
        var scan: Unmanaged<SamplesScan>
    }

    /// Makes the table known to a connection; it has to live as long as that.
    func register(on connection: Connection) throws(StorageError) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        let code = withUnsafePointer(to: &SamplesModule.module) {
            sqlite3_create_module_v2(connection.handle, "samples", $0, context, nil)
        }
        guard code == SQLITE_OK else { throw connection.lastError() }
        let function = sqlite3_create_function_v2(
            connection.handle,
            "series_labels",
            1,
            SQLITE_UTF8,
            context,
            { context, _, arguments in
                guard let pointer = sqlite3_user_data(context), let argument = arguments?[0] else { return }
                let table = Unmanaged<SamplesTable>.fromOpaque(pointer).takeUnretainedValue()
                let bytes = UnsafeBufferPointer(
                    start: sqlite3_value_blob(argument)?.assumingMemoryBound(to: UInt8.self),
                    count: Int(sqlite3_value_bytes(argument))
                )
                if let json = table.engine.labelsJSON(ofPairs: bytes) {
                    SamplesModule.result(context, json)
                } else {
                    sqlite3_result_null(context)
                }
            },
            nil,
            nil,
            nil
        )
        guard function == SQLITE_OK else { throw connection.lastError() }
    }
}

/// One run through the table: reads series a few at a time and gives their samples row by row.
final class SamplesScan {
    private let table: SamplesTable
    private var cursor: SeriesCursor?
    private var batch: [SeriesColumns] = []
    private var series = 0
    private var sample = 0
    private(set) var row: Int64 = 0
    private(set) var isAtEnd = true
    private var name = ""
    private var labels = ""

    init(_ table: SamplesTable) { self.table = table }

    /// Starts over with these conditions.
    func start(_ matchers: [LabelMatcher], _ first: Timestamp, _ last: Timestamp) throws(StorageError) {
        cursor = first <= last ? try table.engine.cursor([matchers], in: TimeSpan(start: first, end: last)) : nil
        row = 0
        isAtEnd = false
        batch = []
        series = 0
        sample = 0
        try settle()
    }

    /// Parses the argument of `samples('…')`.
    func matchers(_ text: String) throws -> [LabelMatcher] {
        guard let selector = table.selector else {
            throw StorageError(.unsupported, "selectors are not available here")
        }
        return try selector(text)
    }

    /// Moves to the next sample.
    func advance() throws(StorageError) {
        row += 1
        sample += 1
        try settle()
    }

    private func settle() throws(StorageError) {
        while true {
            while series < batch.count {
                if sample < batch[series].timestamps.count {
                    if sample == 0 { describe() }
                    return
                }
                series += 1
                sample = 0
            }
            guard let next = try cursor?.next() else {
                isAtEnd = true
                return
            }
            batch = next
            series = 0
            sample = 0
        }
    }

    private func describe() {
        name = batch[series].labels.name
        labels = batch[series].labels.jsonObject(withName: false)
    }

    /// Gives the value of a column.
    func column(_ column: SamplesTable.Column, _ context: OpaquePointer?) {
        switch column {
        case .name: SamplesModule.result(context, name)
        case .labels: SamplesModule.result(context, labels)
        case .time: sqlite3_result_int64(context, batch[series].timestamps[sample])
        case .value: sqlite3_result_double(context, batch[series].values[sample])
        case .selector: sqlite3_result_null(context)
        }
    }
}

extension Labels {
    /// The labels as a JSON object, with or without the metric's name.
    func jsonObject(withName: Bool) -> String {
        var text = "{"
        for label in self where withName || label.name != Labels.metricName {
            if text.utf8.count > 1 { text += "," }
            text += JSONString.quoted(label.name) + ":" + JSONString.quoted(label.value)
        }
        return text + "}"
    }
}
