/// Milliseconds since 1970-01-01T00:00:00Z, the unit of every stored sample.
public typealias Timestamp = Int64
