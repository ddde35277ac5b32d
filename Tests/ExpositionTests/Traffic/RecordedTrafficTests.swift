import Exposition
import Testing

@Suite("What is remembered of traffic", .timeLimit(.minutes(5)))
struct RecordedTrafficTests {
    @Test(
        "only headers that are known to hold no credentials are kept",
        arguments: [
            "Authorization", "authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "Cookie2", "X-Api-Key",
            "X-Auth-Token", "X-Amz-Security-Token", "X-Scope-OrgID", "WWW-Authenticate", "Authentication-Info",
            "Api-Key",
            "X-Forwarded-Access-Token", "X-Csrf-Token", "Sec-WebSocket-Key", "Referer", "Origin", "X-Anything",
            "Content-Typ",
        ]
    )
    func dropped(_ name: String) {
        #expect(RecordedTraffic.headers([(name, "s")]).isEmpty)
    }

    @Test("what is kept stays in its order")
    func kept() {
        let sent = [
            ("Host", "u:p@a:1"), ("User-Agent", "curl/8"), ("Cookie", "c"), ("accept", "*/*"),
            ("Location", "/x?token=1"),
        ]
        let kept = RecordedTraffic.headers(sent.map { (name: $0.0, value: $0.1) }).map { "\($0.name): \($0.value)" }
        #expect(kept == ["Host: ***@a:1", "User-Agent: curl/8", "accept: */*", "Location: /x?token=***"])
    }

    @Test(
        "URLs lose their user and what is named like a secret",
        arguments: [
            ("http://u:p@h:1/a?b=c#d", "http://***@h:1/a?b=c#d"), ("http://token@h/", "http://***@h/"),
            ("//u:p@h/", "//***@h/"), ("http://h/a@b?c=d@e", "http://h/a@b?c=d@e"), ("http://a@b@h/", "http://***@h/"),
            ("/login?api_key=1&x=2&access_token=3", "/login?api_key=***&x=2&access_token=***"),
            ("http://h?X-Amz-Signature=1", "http://h?X-Amz-Signature=***"),
            ("?Password=1;sig=2", "?Password=***;sig=***"),
            ("http://h/#access_token=1&a=b", "http://h/#access_token=***&a=b"),
            ("http://h/?monkey=1", "http://h/?monkey=1"),
            ("http://h/?key=1", "http://h/?key=***"), ("", ""), ("http://h/?token", "http://h/?token"),
            ("/a//b", "/a//b"),
        ]
    )
    func urls(text: String, shown: String) {
        #expect(RecordedTraffic.url(text) == shown)
    }
}
