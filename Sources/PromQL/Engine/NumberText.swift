internal import MetricModel

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#endif

/// Numbers in messages.
enum NumberText {
    /// As `%.2g` writes it.
    static func twoDigits(_ value: Double) -> String { formatted("%.2g", value) }

    /// As `%f` writes it.
    static func fixed(_ value: Double) -> String {
        value.isFinite ? formatted("%f", value) : GoNumber.text(value, .shortest)
    }

    private static func formatted(_ format: String, _ value: Double) -> String {
        withVaList([value]) { arguments in
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
                let length = Int(vsnprintf(buffer.baseAddress, buffer.count, format, arguments))
                let bytes = buffer[..<max(0, min(length, buffer.count - 1))].map { UInt8(bitPattern: $0) }
                return String(decoding: bytes, as: UTF8.self)
            }
        }
    }
}
