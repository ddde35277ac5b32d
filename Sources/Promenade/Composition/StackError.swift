import MetricModel
import Web

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Why a stack cannot run, in one line.
public struct StackError: Error, Hashable, CustomStringConvertible {
    /// What is wrong and where.
    public let description: String

    package init(_ description: String) { self.description = description }

    static func system(_ code: Int32) -> String { String(cString: strerror(code)).lowercased() }

    /// The error behind those that services wrap around it.
    static func explained(_ error: any Error) -> any Error {
        switch error {
        case let error as WebServerError: StackError(error.description)
        case let error as StorageError: StackError(error.message)
        default: error
        }
    }
}
