import MetricModel
public import TSDB

/// Prints the answer to a query in SQL row by row.
public struct SQLPrinter {
    /// The form.
    public enum Format: String, Sendable, CaseIterable {
        /// Columns side by side, for people.
        case table
        /// RFC 4180, with the names of the columns first.
        case csv
        /// A list of objects.
        case json
    }

    /// So many rows decide how wide the columns of a table are; the others follow them.
    private static let rowsMeasured = 1000

    private let format: Format
    private let write: ([UInt8]) -> Bool
    private var names: [String] = []
    private var waiting: [[String]] = []
    private var widths: [Int] = []
    private var isNumeric: [Bool] = []
    private var count = 0

    /// - Parameter write: takes pieces of text; answers false where nobody reads them any more.
    public init(format: Format, write: @escaping ([UInt8]) -> Bool) {
        self.format = format
        self.write = write
    }

    /// Begins with the names of the columns.
    public mutating func header(_ names: [String]) {
        self.names = Self.distinct(names)
        switch format {
        case .table: isNumeric = names.map { _ in true }
        case .csv: _ = emit(names.map(Self.quotedForCSV).joined(separator: ",") + "\n")
        case .json: _ = emit("[")
        }
    }

    /// Prints a row.
    /// - Returns: whether anybody reads on.
    public mutating func row(_ values: [SQLValue]) -> Bool {
        defer { count += 1 }
        switch format {
        case .csv:
            return emit(values.map { Self.quotedForCSV(Self.text($0, null: "")) }.joined(separator: ",") + "\n")
        case .json:
            let fields = zip(names, values).map { "\(JSONString.quoted($0)):\(Self.json($1))" }
            return emit((count == 0 ? "" : ",") + "\n{" + fields.joined(separator: ",") + "}")
        case .table:
            for (column, value) in values.enumerated() {
                switch value {
                case .text, .blob: isNumeric[column] = false
                case .null, .integer, .real: break
                }
            }
            let cells = values.map { Self.printable(Self.text($0, null: "NULL")) }
            if count < Self.rowsMeasured {
                waiting.append(cells)
                return true
            }
            return flushTable() && emit(line(cells))
        }
    }

    /// Ends the text.
    public mutating func finish() {
        switch format {
        case .table: _ = flushTable()
        case .csv: break
        case .json: _ = emit(count == 0 ? "]\n" : "\n]\n")
        }
    }

    private func emit(_ text: String) -> Bool { write(Array(text.utf8)) }

    // MARK: Tables

    private mutating func flushTable() -> Bool {
        guard widths.isEmpty, !names.isEmpty else { return true }
        widths = names.indices.map { column in
            waiting.reduce(names[column].count) { max($0, $1[column].count) }
        }
        var text = line(names)
        text += line(widths.map { String(repeating: "-", count: $0) })
        for cells in waiting { text += line(cells) }
        waiting = []
        return emit(text)
    }

    private func line(_ cells: [String]) -> String {
        var text = ""
        for (column, cell) in cells.enumerated() {
            let padding = String(repeating: " ", count: max(0, widths[column] - cell.count))
            if column > 0 { text += "  " }
            if isNumeric[column] {
                text += padding + cell
            } else {
                text += column == cells.count - 1 ? cell : cell + padding
            }
        }
        return text + "\n"
    }

    /// Without what would break a line.
    private static func printable(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n").replacing("\r", with: "\\r")
            .replacing("\t", with: "\\t")
    }

    // MARK: Values

    /// Objects cannot have a name twice: the second one becomes `name:2`.
    private static func distinct(_ names: [String]) -> [String] {
        var seen: [String: Int] = [:]
        return names.map { name in
            let times = seen[name, default: 0] + 1
            seen[name] = times
            return times == 1 ? name : "\(name):\(times)"
        }
    }

    private static func text(_ value: SQLValue, null: String) -> String {
        switch value {
        case .null: null
        case .integer(let value): String(value)
        case .real(let value): number(value)
        case .text(let text): text
        case .blob(let bytes): GoText.hexadecimal(bytes)
        }
    }

    private static func json(_ value: SQLValue) -> String {
        switch value {
        case .real(let value) where !value.isFinite: JSONString.quoted(number(value))
        case .text(let text): JSONString.quoted(text)
        case .blob(let bytes): JSONString.quoted(GoText.hexadecimal(bytes))
        default: text(value, null: "null")
        }
    }

    private static func number(_ value: Double) -> String {
        var bytes: [UInt8] = []
        GoNumber.append(value, .json, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func quotedForCSV(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == 0x22 || $0 == 0x2c || $0 == 0x0a || $0 == 0x0d }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}
