/// What a configuration is made of, and what of it can change while the stack runs.
extension StackConfig {
    /// The files that the configuration was read from, and those that it names.
    func files(of main: String) -> [String] { ConfigSources.files(of: main) }

    /// Sections that are read only at the start and say something else than the ones in use.
    func sectionsDiffering(from used: StackConfig) -> [String] {
        var names: [String] = []
        if demo != used.demo { names.append("demo_server") }
        if gateway != used.gateway { names.append("pushgateway") }
        if storage != used.storage { names.append("storage") }
        return names
    }
}
