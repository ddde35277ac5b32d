import Testing
import Web

/// Forms that are short to send and were long to read.
@Suite(.timeLimit(.minutes(5))) struct CostlyFormTests {
    @Test func `a boundary that begins everywhere is looked for once`() {
        let boundary = String(repeating: "-", count: 50_000) + "x"
        // A search from each place on would take a hundred thousand million steps.
        let body = [UInt8](repeating: UInt8(ascii: "-"), count: 2_000_000) + Array("\r\n".utf8)
        #expect(MultipartForm.values(body, contentType: "multipart/form-data; boundary=\(boundary)") == nil)
    }

    @Test(arguments: ["x", "--", "-x--x", "\r", "aab"])
    func `parts are found whatever the boundary is`(_ boundary: String) throws {
        let part = { (name: String, value: String) in
            "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n"
        }
        let text = part("a", "1\r\n--") + part("b", "-\r\n-\(boundary)") + part("c", "") + "--\(boundary)--\r\n"
        let type = "multipart/form-data; boundary=\"\(boundary)\""
        let values = MultipartForm.values(Array(text.utf8), contentType: type)
        if boundary == "\r" {
            #expect(values == nil)
        } else {
            #expect(values?.map(\.name) == ["a", "b", "c"])
            #expect(values?.map(\.value) == ["1\r\n--", "-\r\n-\(boundary)", ""])
        }
    }

    @Test func `each selector counts once`() {
        #expect(FormValues(parsing: "match[]=a&x=1&match[]=b&match[]=a").selectors == ["a", "b"])
    }
}
