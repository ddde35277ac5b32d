import Exposition

extension FormValues {
    /// The parameters of a request, as Go's `Request.ParseForm` collects them.
    public init(_ request: WebRequest) {
        self.init()
        switch request.method {
        case .post, .put:
            let type = request.headers["Content-Type"] ?? ""
            do throws(ExpositionError) {
                if !type.isEmpty { _ = try MediaType(parsing: type) }
            } catch {
                self.error = error.message
            }
            let essence = type.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
            if essence == "application/x-www-form-urlencoded" {
                append(String(decoding: request.body, as: UTF8.self))
            }
        default: break
        }
        append(request.rawQuery)
    }

    /// The parameters of a request, as Go's `Request.FormValue` collects them: those of a `multipart/form-data` body too, which come
    /// last. A body that claims to be one and is not brings none, without a word.
    init(withParts request: WebRequest) {
        self.init(request)
        let type = request.headers["Content-Type"] ?? ""
        guard !request.body.isEmpty, type.utf8.count >= "multipart/".utf8.count else { return }
        encoded = pairs.count
        pairs += MultipartForm.values(request.body, contentType: type) ?? []
    }
}
