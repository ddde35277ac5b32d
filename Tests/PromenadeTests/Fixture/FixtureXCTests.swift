import PromenadeTesting
import XCTest

/// The stack in a test of XCTest.
final class FixtureXCTests: XCTestCase {
    func testAScrapeOfATargetInThisTest() async throws {
        try await withStack { stack in
            let app = ScriptedTarget("rows_total 42\n")
            try await stack.add(app, job: "app", config: "scrape_interval: 15s")
            await stack.advance(by: .seconds(15))
            let rows = try await stack.value("rows_total{job=\"app\"}")
            XCTAssertEqual(rows, 42)
        }
    }
}
