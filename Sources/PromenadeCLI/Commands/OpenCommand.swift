import ArgumentParser
import AsyncHTTPClient
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
            Exit code 3: nothing answers there, or what answers has no such page.
            """
    )

    @Argument(help: "Which: prometheus, query, targets, alerts, learn, pushgateway or demo.")
    var page = Page.prometheus

    @Option(help: "The server's URL, where it has not the usual one.")
    var url: String?

    func run() async throws {
        let base = url.map { $0.contains("://") ? $0 : "http://" + $0 } ?? page.server
        let address = (base.hasSuffix("/") ? String(base.dropLast()) : base) + page.path
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

        /// The server that has it, at its usual address.
        var server: String {
            switch self {
            case .prometheus, .query, .targets, .alerts, .learn: "http://localhost:9090"
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
