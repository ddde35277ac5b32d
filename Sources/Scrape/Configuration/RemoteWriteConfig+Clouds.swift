import ConfigTree

/// Signatures that clouds ask for: read for mistakes, and refused by name.
extension RemoteWriteConfig {
    static func checkClouds(_ section: ConfigSection) {
        var kinds = ["basic_auth", "authorization", "oauth2"].filter { section.node($0).map { !$0.isNull } ?? false }
        if let part = section.section("sigv4", type: "sigv4.plain") {
            kinds.append("sigv4")
            for name in ["region", "access_key", "secret_key", "profile", "role_arn", "external_id"] {
                _ = part.string(name)
            }
            _ = part.bool("use_fips_sts_endpoint")
            part.finish()
        }
        if let part = section.section("azuread", type: "azuread.plain") {
            kinds.append("azuread")
            for (name, fields) in [
                ("managed_identity", ["client_id"]), ("oauth", ["client_id", "client_secret", "tenant_id"]),
                ("sdk", ["tenant_id"]), ("workload_identity", ["client_id", "tenant_id", "token_file_path"]),
            ] {
                guard let inner = part.section(name, type: "azuread.plain") else { continue }
                for field in fields { _ = inner.string(field) }
                inner.finish()
            }
            for name in ["cloud", "scope"] { _ = part.string(name) }
            part.finish()
        }
        if let part = section.section("google_iam", type: "googleiam.Config") {
            kinds.append("google_iam")
            _ = part.string("credentials_file")
            part.finish()
        }
        if kinds.count > 1 {
            section.fail(
                "at most one of basic_auth, authorization, oauth2, or sigv4 must be configured. "
                    + "Currently configured: [\(kinds.joined(separator: " "))]"
            )
        }
    }
}
