/// Asks all at once.
/// - Returns: the answers, in the order of those who were asked.
func answers<One: Sendable, Answer: Sendable>(
    of asked: [One],
    _ ask: @escaping @Sendable (One) async -> Answer
) async -> [Answer] {
    await withTaskGroup(of: (Int, Answer).self) { group in
        for (index, one) in asked.enumerated() { group.addTask { (index, await ask(one)) } }
        var answers: [(Int, Answer)] = []
        for await answer in group { answers.append(answer) }
        return answers.sorted { $0.0 < $1.0 }.map(\.1)
    }
}
