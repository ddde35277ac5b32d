import Simulation

/// What a Pushgateway is, in ten lines: groups of families, replaced whole (PUT), by family (POST) or deleted; a push after which
/// two groups would disagree about a family's type is refused and changes nothing.
struct GatewayModel {
    /// A family as it was pushed: its type and its series, a label's value and the sample's.
    struct Family: Hashable {
        var type: String
        var series: [Int64: Int64]
    }

    /// A push or deletion.
    struct Push {
        var method: String
        var path: String
        var families: [String: Family] = [:]
        /// Whether its body is nothing that a Pushgateway takes.
        var isBroken = false

        var body: String {
            families.sorted { $0.key < $1.key }.map { name, family in
                "# TYPE \(name) \(family.type)\n"
                    + family.series.sorted { $0.key < $1.key }.map { "\(name){n=\"\($0)\"} \($1)\n" }.joined()
            }.joined() + (isBroken ? "timed 1 1\n" : "")
        }
    }

    private(set) var groups: [String: [String: Family]] = [:]

    /// The status that a push is answered with.
    mutating func take(_ push: Push) -> Int {
        if push.method == "DELETE" {
            groups[push.path] = nil
            return 202
        }
        var after = groups
        if push.method == "PUT" { after[push.path] = [:] }
        after[push.path, default: [:]].merge(push.families) { $1 }
        var types: [String: Set<String>] = [:]
        for (name, family) in after.values.joined() { types[name, default: []].insert(family.type) }
        if push.isBroken || types.values.contains(where: { $0.count > 1 }) { return 400 }
        groups = after
        return 200
    }

    /// Nothing is there.
    mutating func clear() { groups = [:] }

    /// What `/metrics` shows of it, sorted.
    var lines: [String] {
        groups.flatMap { path, families in
            let parts = path.split(separator: "/").map(String.init)
            let db = parts.count > 3 ? "db=\"\(parts[3])\"," : ""
            return families.flatMap { name, family in
                family.series.map { "\(name){\(db)instance=\"\",job=\"\(parts[1])\",n=\"\($0)\"} \($1)" }
            }
        }.sorted()
    }

    /// A push by chance.
    static func push(_ chance: inout RandomStream) -> Push {
        let paths = ["job/m1", "job/m1/db/a", "job/m2/db/b"]
        var push = Push(
            method: ["PUT", "PUT", "POST", "POST", "DELETE"][Int(chance.whole(0...4))],
            path: paths[Int(chance.whole(0...2))]
        )
        if push.method == "DELETE" { return push }
        for name in ["m_a", "m_b", "m_c"] where chance.happens(0.5) {
            var family = Family(type: chance.happens(0.9) ? "gauge" : "counter", series: [:])
            for _ in 0...chance.whole(0...2) { family.series[chance.whole(0...3)] = chance.whole(0...999) }
            push.families[name] = family
        }
        push.isBroken = chance.happens(0.1)
        return push
    }
}
