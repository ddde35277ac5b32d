import Exposition
import HTTPCalling
import MetricModel
import Pushgateway
import Scrape
import Web

extension FuzzTarget {
    static let web: [FuzzTarget] = [
        FuzzTarget("push-path") { body in
            guard let path = PercentCoding.decodedPathBytes(text(body)) else { return nil }
            let cleaned = GoPath.cleaned(path)
            if !GoPath.isClean(cleaned) { return "is not clean when cleaned: \(text(cleaned))" }
            if GoPath.isClean(path), cleaned != path { return "is clean and cleaned otherwise: \(text(cleaned))" }
            if let known = String(validating: path, as: UTF8.self),
                PercentCoding.decodedPathBytes(URLText.path(known)) != path
            {
                return "is another one when escaped"
            }
            for utf8Names in [false, true] {
                do throws(GroupingKeyError) {
                    _ = try GroupingKey(parsingPath: path, utf8Names: utf8Names)
                } catch {
                    _ = error.description
                }
            }
            return nil
        },
        // The first line is a header, the rest a body.
        FuzzTarget(surviving: "form") { body in
            let line = body.prefix { $0 != 10 }
            _ = MultipartForm.values(Array(body[min(line.count + 1, body.count)...]), contentType: text(line))
            _ = try? MediaType(parsing: text(line))
            _ = ExpositionFormat.negotiate(accept: text(line))
            _ = FormValues(parsing: text(body))
        },
        FuzzTarget("url") { body in
            let url = text(body)
            _ = URLParts(url)
            _ = HostPort.split(Substring(url))
            _ = Punycode.ascii(url)
            _ = RFC3339.parse(body)
            _ = try? ByteSize(parsing: url)
            guard let duration = try? PrometheusDuration(parsing: url) else { return nil }
            let again = told { () throws(PrometheusDurationError) in
                try PrometheusDuration(parsing: duration.description).milliseconds
            }
            return difference("duration", "\(duration.milliseconds)", again)
        },
        FuzzTarget(surviving: "dns") { body in
            let id = body.count > 1 ? UInt16(body[0]) << 8 | UInt16(body[1]) : 0
            _ = DNSMessage(body, id: id)
        },
    ]
}
