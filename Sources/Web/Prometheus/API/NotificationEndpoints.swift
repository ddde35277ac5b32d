import MetricModel

extension PrometheusServer {
    /// How often somebody who listens is told of changes, in milliseconds.
    private static let pause: Int64 = 500

    /// `/api/v1/notifications`: what an operator should know now.
    func notifications(_ parameters: APIParameters) -> APIAnswer {
        .json(environment.notifications().map(Self.json))
    }

    /// `/api/v1/notifications/live`: the same as server-sent events, one at each change, until the client goes away.
    func liveNotifications(_ request: WebRequest) -> WebResponse {
        var response = WebResponse(headers: [("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache")])
        let environment = environment
        let clock = clock
        let figures = figures
        response.body = .stream { writer in
            ServerFigures.add(1, to: figures.subscribers)
            defer { ServerFigures.add(-1, to: figures.subscribers) }
            var known: [PrometheusEnvironment.Notification] = []
            while environment.phase() != .stopping {
                let now = environment.notifications()
                var changes = known.filter { !now.contains($0) }
                for index in changes.indices { changes[index].isActive = false }
                changes += now.filter { !known.contains($0) }
                known = now
                var text = JSONText()
                for change in changes { Self.event(change, to: &text) }
                try await writer.write(text.bytes)
                ServerFigures.add(changes.count, to: figures.notificationsSent)
                try await clock.sleep(milliseconds: Self.pause)
            }
        }
        return response
    }

    private static func event(_ notification: PrometheusEnvironment.Notification, to text: inout JSONText) {
        text.raw("data: ")
        json(notification).write(to: &text)
        text.raw("\n\n")
    }

    private static func json(_ notification: PrometheusEnvironment.Notification) -> JSONObject {
        [
            "text": notification.text, "date": CivilTime.rfc3339(nanoseconds: notification.nanoseconds),
            "active": notification.isActive,
        ]
    }
}
