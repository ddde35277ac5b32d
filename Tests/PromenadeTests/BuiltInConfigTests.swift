import Foundation
import Promenade
import Testing

@Suite(.timeLimit(.minutes(5))) struct BuiltInConfigTests {
    @Test func `whoever has no file has the stack of the shipped file`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../stack.yml").standardized
        #expect(try Data(contentsOf: root) == Data(BuiltInConfig.shipped))
        // What lesson 10 and the tutorial ask for.
        let text = String(decoding: BuiltInConfig.shipped, as: UTF8.self)
        for name in ["TargetDown", "BatchTooOld", "job:request_count:rate1m"] { #expect(text.contains(name)) }
    }
}
