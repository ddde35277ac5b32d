import Exposition
import MetricModel
import Pushgateway

/// Judges what a client pushed: requests in, findings out.
package struct PushConformance: Sendable {
    let records: [ClientPush]
    /// How the command ended; `nil` where it did not end in time.
    let exitCode: Int32?
    private let figures: [ScrapedFigures?]

    package init(_ records: [ClientPush], exitCode: Int32?) {
        self.records = records
        self.exitCode = exitCode
        figures = records.map { record in
            guard record.isPush, let body = record.unpacked else { return nil }
            return ScrapedFigures(body, record.format)
        }
    }

    /// All findings about pushing.
    package var findings: [ClientFinding] {
        let ran = ran
        if records.isEmpty { return [ran] }
        return [ran, methods, path, base64, type, body, newline, timestamps, pushTime, groupLabels, deletion, status]
    }

    private var ran: ClientFinding {
        let methods = records.map { "\($0.method) \($0.rawPath)" }.joined(separator: ", ")
        guard let exitCode else { return ClientFinding(.pushCommand, .fail, "the command did not end in time") }
        if records.isEmpty {
            return ClientFinding(.pushCommand, .fail, "nothing was pushed; the command ended with \(exitCode)")
        }
        return ClientFinding(
            .pushCommand,
            exitCode == 0 ? .pass : .fail,
            "ended with \(exitCode); \(records.count) requests: \(methods)"
        )
    }

    /// What is wrong with each request, as far as a rule is concerned.
    private func problems(_ problem: (ClientPush, ScrapedFigures?) -> String?) -> [String] {
        zip(records, figures).compactMap { record, figures in
            problem(record, figures).map { "\(record.method) \(record.rawPath): \($0)" }
        }
    }

    private var methods: ClientFinding {
        let wrong = problems { record, _ in ["PUT", "POST", "DELETE"].contains(record.method) ? nil : "another method" }
        return .unless(.pushMethod, wrong, else: Set(records.map(\.method)).sorted().joined(separator: ", "))
    }

    private var path: ClientFinding {
        var groups: Set<String> = []
        let wrong = problems { record, _ in
            do throws(GroupingKeyError) {
                groups.insert(try record.group().description)
                return nil
            } catch {
                return "\(error)"
            }
        }
        return .unless(.pushPath, wrong, else: groups.sorted().joined(separator: ", "))
    }

    private var base64: ClientFinding {
        var encoded = 0
        let wrong = problems { record, _ in
            if record.rawPath.lowercased().contains("%2f") { return "a slash as %2F, which servers in between decode" }
            if record.rawPath.contains("//") || record.rawPath.hasSuffix("/") { return "an empty value or name" }
            if record.rawPath.contains("@base64/") { encoded += 1 }
            return nil
        }
        if wrong.isEmpty, encoded == 0 {
            return ClientFinding(
                .pushEscaping,
                .skip,
                "no value needs it: push with a grouping label such as path=\"/a b\" to see"
            )
        }
        return .unless(.pushEscaping, wrong, else: "\(encoded) requests with Base64")
    }

    private var type: ClientFinding {
        let wrong = problems { record, _ in
            guard record.isPush else { return nil }
            guard let header = record.header("Content-Type"), !header.isEmpty else { return "there is none" }
            guard let type = try? MediaType(parsing: header) else { return "\(header) cannot be read" }
            switch type.essence {
            case "text/plain": return nil
            case "application/vnd.google.protobuf":
                return type.parameters["encoding"] == "delimited" ? nil : "\(header) is not delimited"
            default: return "\(header), which the Pushgateway reads as text"
            }
        }
        let types = Set(records.filter(\.isPush).compactMap { $0.header("Content-Type") }).sorted()
        if wrong.isEmpty, types.isEmpty { return ClientFinding(.pushType, .skip, "nothing but deletions") }
        // The Pushgateway takes whatever is not protobuf for text, so another type does harm only where the body is another.
        let isText = !records.contains { $0.header("Content-Type")?.contains("openmetrics") == true }
        return .unless(.pushType, wrong, else: types.joined(separator: ", "), isText ? .warn : .fail)
    }

    private var body: ClientFinding {
        let wrong = problems { record, figures in
            guard record.isPush else { return nil }
            guard let figures else { return "Content-Encoding \(record.header("Content-Encoding") ?? "") is not read" }
            return figures.error.isEmpty ? nil : figures.error
        }
        let count = figures.reduce(0) { $0 + ($1?.samples.count ?? 0) }
        return .unless(.pushBody, wrong, else: "\(count) samples in \(records.count(where: \.isPush)) pushes")
    }

    private var newline: ClientFinding {
        let wrong = problems { record, _ in
            guard record.isPush, record.format == .text, let last = record.unpacked?.last else { return nil }
            return last == UInt8(ascii: "\n") ? nil : "the last line has no end"
        }
        return .unless(.pushNewline, wrong, else: "every text ends with a line feed")
    }

    private var timestamps: ClientFinding {
        let wrong = problems { _, figures in
            let count = figures?.timestamps ?? 0
            return count == 0 ? nil : "\(count) samples have a timestamp"
        }
        return .unless(.pushTimestamps, wrong, else: "none")
    }

    private var pushTime: ClientFinding {
        let own = ["push_time_seconds", "push_failure_time_seconds"]
        let wrong = problems { _, figures in
            figures?.samples.keys.first { own.contains($0.name) }.map { "\($0.name) is pushed" }
        }
        return .unless(.pushTime, wrong, else: "not pushed")
    }

    private var groupLabels: ClientFinding {
        let wrong = problems { record, figures in
            guard let key = try? record.group(), let figures else { return nil }
            for labels in figures.samples.keys {
                for label in key.labels {
                    guard let value = labels[label.name], value != label.value else { continue }
                    let series = ObservedSeries.text(labels)
                    return
                        "\(series) says \(label.name)=\(GoText.quoted(value)), the group \(GoText.quoted(label.value))"
                }
            }
            return nil
        }
        return .unless(.pushGroupLabels, wrong, else: "no contradiction", .warn)
    }

    private var deletion: ClientFinding {
        let deletions = records.count { $0.method == "DELETE" }
        if deletions == 0 { return ClientFinding(.pushDelete, .skip, "nothing was deleted") }
        let wrong = problems { record, _ in
            record.method == "DELETE" && !record.body.isEmpty ? "a body of \(record.body.count) bytes" : nil
        }
        return .unless(.pushDelete, wrong, else: "\(deletions) without a body", .warn)
    }

    private var status: ClientFinding {
        let wrong = problems { record, _ in
            200..<300 ~= record.status ? nil : "\(record.status) \(record.answer.split(separator: "\n").first ?? "")"
        }
        let codes = Set(records.map { "\($0.status)" }).sorted().joined(separator: ", ")
        return .unless(.pushStatus, wrong, else: codes)
    }
}
