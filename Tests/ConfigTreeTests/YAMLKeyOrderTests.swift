import ConfigTree
import Testing

/// The order of keys, as recorded from go-yaml.
@Suite(.timeLimit(.minutes(5))) struct YAMLKeyOrderTests {
    @Test(arguments: [
        ["a2", "a10"], ["a_b", "aB"], ["B", "a"], ["a1", "a01", "a001"], ["a-b", "ab"], ["a_b", "a1b", "aB", "ab"],
        ["a9x", "a10x"], ["x1-", "x1a"], ["_", "z", "é"], ["", "a"], ["1", "2", "10"], ["a109", "a1010"],
    ])
    func `keys stand as go-yaml writes them`(_ keys: [String]) {
        #expect(keys.reversed().sorted(by: YAMLKeyOrder.precedes) == keys)
    }
}
