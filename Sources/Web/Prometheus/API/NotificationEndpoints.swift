import MetricModel

extension PrometheusServer {
    /// How often somebody who listens is told of changes, in milliseconds.
    private static let pause: Int64 = 500

    /// `/api/v1/notifications`: what an operator should know now.
    func notifications() -> APIAnswer {
        .json { text in
            text.raw("[")
            for (index, notification) in environment.notifications().enumerated() {
                if index > 0 { text.raw(",") }
                Self.write(notification, to: &text)
            }
            text.raw("]")
        }
    }

    /// `/api/v1/notifications/live`: the same as server-sent events, one at each change, until the client goes away.
    func liveNotifications(_ request: WebRequest) -> WebResponse {
        var response = WebResponse()
        settings.crossOrigin.apply(to: &response, for: request)
        response.headers += [("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache")]
        let environment = environment
        let clock = clock
        response.body = .stream { writer in
            // The headers go out at once, so that the client knows that it listens.
            try await writer.write([])
            var known: [PrometheusEnvironment.Notification] = []
            while environment.phase() != .stopping {
                let now = environment.notifications()
                var text = JSONText()
                for gone in known where !now.contains(gone) {
                    var gone = gone
                    gone.isActive = false
                    Self.event(gone, to: &text)
                }
                for new in now where !known.contains(new) { Self.event(new, to: &text) }
                known = now
                if !text.bytes.isEmpty { try await writer.write(text.bytes) }
                try await clock.sleep(milliseconds: Self.pause)
            }
        }
        return response
    }

    private static func event(_ notification: PrometheusEnvironment.Notification, to text: inout JSONText) {
        text.raw("data: ")
        write(notification, to: &text)
        text.raw("\n\n")
    }

    private static func write(_ notification: PrometheusEnvironment.Notification, to text: inout JSONText) {
        text.raw("{")
        text.field("text", isFirst: true)
        text.string(notification.text)
        text.field("date")
        text.string(CivilTime.rfc3339(nanoseconds: notification.nanoseconds))
        text.field("active")
        text.bool(notification.isActive)
        text.raw("}")
    }
}
