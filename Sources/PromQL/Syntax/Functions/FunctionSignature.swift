/// What a function takes and answers.
public struct FunctionSignature: Hashable, Sendable {
    /// Which function.
    public let name: FunctionName
    /// The types of its arguments; the last one counts for all further arguments of a variadic function.
    public let argumentTypes: [ValueType]
    /// 0 for a fixed number of arguments; otherwise the last one may be left out or repeated up to so many times, -1 without limit.
    public let variadic: Int
    /// The type of the result.
    public let returnType: ValueType
    /// Whether it is there only with `--enable-feature=promql-experimental-functions`.
    public let isExperimental: Bool

    init(
        _ name: FunctionName,
        _ argumentTypes: [ValueType],
        _ returnType: ValueType,
        variadic: Int = 0,
        isExperimental: Bool = false
    ) {
        self.name = name
        self.argumentTypes = argumentTypes
        self.variadic = variadic
        self.returnType = returnType
        self.isExperimental = isExperimental
    }

    /// All functions, by how they are written.
    public static let all: [String: FunctionSignature] = Dictionary(
        uniqueKeysWithValues: FunctionName.allCases.map { ($0.rawValue, signature(of: $0)) }
    )

    /// There is one function of a name.
    public static func == (left: Self, right: Self) -> Bool { left.name == right.name }

    /// Hashes the name.
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
