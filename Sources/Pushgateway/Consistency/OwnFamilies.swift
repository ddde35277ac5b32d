import MetricModel

/// The families that the gateway itself exposes, by name: pushed families of the same names have to agree with them.
struct OwnFamilies {
    /// One of them.
    struct Own {
        var type: MetricType
        var help: String
        /// Whether a pushed family's deviating help is silently replaced (families that exist from the start) or refused.
        var replacesHelp: Bool
    }

    private var families: [String: Own] = [:]

    init() {
        for family in GoRuntimeFamilies.all {
            families[family.name] = Own(type: family.type, help: family.help, replacesHelp: true)
        }
    }

    /// Takes in families that are exposed.
    mutating func add(_ exposed: [MetricFamily], replacesHelp: Bool) {
        for family in exposed where families[family.name] == nil {
            families[family.name] = Own(type: family.type, help: family.help ?? "", replacesHelp: replacesHelp)
        }
    }

    subscript(name: String) -> Own? { families[name] }
}
