import Testing
import Web

@Suite(.timeLimit(.minutes(5))) struct BcryptTests {
    @Test(arguments: [
        ("$2b$04$dR.LQ7jVJ4FOxQqty46J9uRpU9foyfJFmPZL0IYli1j8DC.VR3ZOi", "prometheus"),
        ("$2y$05$XCe4KUFISKskSE3WA59vZeB2rkZaTN.b1Ne4P1JHZ5jkS0AdHhiuG", "pässword"),
    ])
    func `knows the password that another implementation hashed`(hash: String, password: String) throws {
        let bcrypt = try #require(Bcrypt(hash))
        #expect(bcrypt.verify(password))
        #expect(!bcrypt.verify(password + "x"))
        #expect(!bcrypt.verify(""))
    }

    @Test(arguments: [
        "", "secret", "$2b$04$short", "$1$10$" + String(repeating: "a", count: 53),
        "$2b$31$" + String(repeating: "a", count: 53),
    ])
    func `is not made from anything else`(text: String) {
        #expect(Bcrypt(text) == nil)
    }
}
