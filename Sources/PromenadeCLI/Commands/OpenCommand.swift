import ArgumentParser
import AsyncHTTPClient
import ConfigTree
import HTTPCalling
import NIOCore
import NIOHTTP1
import Promenade
import Scrape
import Web

/// `open [PAGE]`: shows a running stack's pages in the browser.
struct OpenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open",
        abstract: "Open a running stack's pages in the browser.",
        discussion: """
            Prints the address, too; where there is no browser to open (no desktop, a remote shell), only that. \
            With --url it is enough to name one server of a stack: it tells where the others are. \
            Exit code 3: nothing answers there, or what answers has no such page.
            """
    )

    @Argument(help: "Which: prometheus, query, targets, alerts, learn, pushgateway or demo.")
    var page = Page.prometheus

    @Option(help: "The server's URL, where it has not the usual one.")
    var url: String?

    func run() async throws {
        let server = if let url { try await place(url) } else { page.server }
        let address = server + page.path
        let status: HTTPResponseStatus
        do {
            status = try await HTTPClient.shared.execute(HTTPClientRequest(url: address), timeout: .seconds(2)).status
        } catch {
            Complaint.write("\(TransportFailure.text(error, url: address)); \(ProgramName.called) run starts the stack")
            throw ExitCode(3)
        }
        if status == .notFound {
            Complaint.write("\(address) is not there: 404. A server with --web.route-prefix wants it in --url")
            throw ExitCode(3)
        }
        Console.print(address + "\n")
        guard let program = Self.browser(ProcessEnvironment.all) else { return }
        do {
            _ = try ChildProcess([program, address], isQuiet: true)
        } catch {
            // The address stands there already; it can be clicked or copied.
            Complaint.remark("no browser was opened: \(error)")
        }
    }

    /// The server that has the page: the one that was named, or another one of its stack.
    private func place(_ url: String) async throws -> String {
        let whole = url.contains("://") ? url : "http://" + url
        let named = whole.hasSuffix("/") ? String(whole.dropLast()) : whole
        let survey = await Self.asked(named + "/api/v1/stack")
        let own = TargetPlace(url: named)?.port
        func has(_ part: Part) -> Bool { survey?[part.rawValue]?["port"]?.text.flatMap { Int($0) } == own }
        if own == nil || has(page.part) { return named }
        if !Part.allCases.contains(where: has) {
            // Its port may be another one outside than inside of a container; only Prometheus tells how it was built.
            let build = page.part == .prometheus ? nil : await Self.asked(named + "/api/v1/status/buildinfo")
            if build?["version"] == nil { return named }
        }
        guard let server = survey?[page.part.rawValue], let port = server["port"]?.text else {
            let name = page.part.name
            Complaint.write("\(named) has no \(name), nor knows of one; --url takes the URL of the \(name), too")
            throw ExitCode(3)
        }
        let outside = server["externalUrl"]?.text ?? ""
        if !outside.isEmpty { return outside.hasSuffix("/") ? String(outside.dropLast()) : outside }
        // The name by which the one is reached leads to the other one, too.
        let authority = named[(named.firstRange(of: "://")?.upperBound ?? named.startIndex)...].prefix { $0 != "/" }
        let colon = authority.lastIndex { !$0.isNumber }.flatMap { authority[$0] == ":" ? $0 : nil }
        let host = authority[..<(colon ?? authority.endIndex)]
        return "\(server["scheme"]?.text ?? "http")://\(host):\(port)\((server["path"]?.text ?? "/").dropLast())"
    }

    /// The data of an answer of an API; `nil` where there is none.
    private static func asked(_ url: String) async -> ConfigNode? {
        let call = HTTPCall(url, timeoutMilliseconds: 2000)
        guard let answer = try? await HTTPCaller.shared.send(call), answer.status == 200 else { return nil }
        return try? JSONReader.parse(Array(answer.body.readableBytesView), file: "answer")["data"]
    }

    /// A server of a stack, by its name in `/api/v1/stack`.
    enum Part: String, CaseIterable {
        case prometheus, pushgateway, demo

        /// What it is called.
        var name: String {
            switch self {
            case .prometheus: "Prometheus server"
            case .pushgateway: "Pushgateway"
            case .demo: "demo server"
            }
        }
    }

    /// The program that opens an address; `nil` where there is no desktop on which it could.
    static func browser(_ environment: [String: String]) -> String? {
        #if canImport(Darwin)
            return environment["SSH_CONNECTION"] == nil ? "open" : nil
        #else
            let desktops = ["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "BROWSER"]
            return desktops.contains { environment[$0]?.isEmpty == false } ? "xdg-open" : nil
        #endif
    }

    /// Pages that have a name.
    enum Page: String, ExpressibleByArgument, CaseIterable {
        case prometheus, query, targets, alerts, learn, pushgateway, demo

        /// The server that has it.
        var part: Part {
            switch self {
            case .prometheus, .query, .targets, .alerts, .learn: .prometheus
            case .pushgateway: .pushgateway
            case .demo: .demo
            }
        }

        /// That server at its usual address.
        var server: String {
            switch part {
            case .prometheus: "http://localhost:9090"
            case .pushgateway: "http://localhost:9091"
            case .demo: "http://localhost:8080"
            }
        }

        /// Its path.
        var path: String {
            switch self {
            case .prometheus, .pushgateway, .demo: "/"
            case .query: "/query"
            case .targets: "/targets"
            case .alerts: "/alerts"
            case .learn: "/learn"
            }
        }
    }
}
