import Foundation
import Promenade
import Testing

@Suite("The files of a configuration", .timeLimit(.minutes(5)))
struct ConfigSourcesTests {
    @Test("all that it names, also where something in it is wrong")
    func files() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sources-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder.appending(path: "jobs"), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func write(_ text: String, _ name: String) throws {
            try Data(text.utf8).write(to: folder.appending(path: name))
        }
        var known = ConfigSources.Known()
        func names() -> [String] {
            let main = folder.path + "/main.yml"
            let files = ConfigSources.files(of: main)
            // What is known of files that did not change makes no difference.
            #expect(ConfigSources.files(of: main, &known) == files)
            #expect(ConfigSources.files(of: main, &known) == files)
            return files.map { String($0.dropFirst(folder.path.count + 1)) }
        }
        try write(
            """
            scrape_config_files: ["jobs/*.yml"]
            rule_files: ["rules-*.yml"]
            scrape_configs:
            - job_name: a
              scrape_failure_log_file: out.log
              authorization: {credentials_file: secret}
              tls_config: {ca_file: ca.pem}
              http_headers: {X: {files: [header]}}
              file_sd_configs: [{files: ["targets.json"]}]
              wrong: true
            """,
            "main.yml"
        )
        try write("scrape_configs: [{job_name: b, basic_auth: {username: u, password_file: pw}}]", "jobs/b.yml")
        try write("groups: []", "rules-1.yml")
        #expect(names() == ["main.yml", "rules-1.yml", "jobs/b.yml", "jobs/pw", "ca.pem", "header", "secret"])
        try write("scrape_configs: [", "jobs/b.yml")
        #expect(names().contains("jobs/b.yml"))
        try write("scrape_configs: []", "jobs/c.yml")
        #expect(names().contains("jobs/c.yml"))
        try write("a: [", "main.yml")
        #expect(names() == ["main.yml"])
    }
}
