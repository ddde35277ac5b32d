import Exposition
import Scrape
import Web

extension Stack {
    /// What the servers are told of each other.
    static func surroundings(
        _ options: StackOptions,
        _ state: StackState
    ) -> @Sendable () -> StackSurvey.Surroundings {
        let prefix = options.prometheus(listening: options.webAddress).routePrefix
        let gateway = options.pushgateway
        let external = (options.flags["web.external-url"], options.flags["pushgateway.external-url"])
        return {
            let now = state.now
            var surroundings = StackSurvey.Surroundings()
            surroundings.hostNames = [ProcessEnvironment.hostName]
            surroundings.configFile = options.configFile.isEmpty ? "" : StackPlaces.absolute(options.configFile)
            surroundings.failedReload = now.failedReload.map { ($0.nanoseconds, $0.place) }
            surroundings.telemetryPath = gateway.telemetryPath
            guard let addresses = now.addresses else { return surroundings }
            surroundings.prometheus = StackServerAddress(
                listening: addresses.prometheus,
                prefix: prefix,
                externalURL: Self.absolute(external.0)
            )
            surroundings.pushgateway = addresses.pushgateway.map {
                StackServerAddress(
                    listening: $0,
                    prefix: gateway.routePrefix,
                    externalURL: Self.absolute(external.1)
                )
            }
            surroundings.demo = addresses.demo.map { StackServerAddress(listening: $0) }
            return surroundings
        }
    }

    /// A flag that is a whole URL; one that is only a path names no server.
    private static func absolute(_ text: String) -> String {
        guard text.hasPrefix("http://") || text.hasPrefix("https://") else { return "" }
        return text.hasSuffix("/") ? text : text + "/"
    }
}
