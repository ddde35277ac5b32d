/// The kinds of `StorageError`.
public enum StorageErrorCode: String, Sendable, Hashable {
    /// The file is not a database, or its contents contradict themselves.
    case corrupt
    /// No space left on the device.
    case diskFull
    /// The file or folder cannot be written.
    case readOnly
    /// Another process has the store open for writing.
    case locked
    /// The file was written by a newer version.
    case newerVersion
    /// More samples than the request allows.
    case tooManySamples
    /// The calling task was cancelled.
    case cancelled
    /// This store cannot do that.
    case unsupported
    /// Anything else that reading or writing failed with.
    case inputOutput
}

/// Why a store could not do what was asked.
public typealias StorageError = CodedError<StorageErrorCode>

extension StorageError {
    /// A request would read more than it allows.
    package static func tooManySamples(limit: Int) -> StorageError {
        StorageError(.tooManySamples, "query would read more than \(limit) samples")
    }
}
