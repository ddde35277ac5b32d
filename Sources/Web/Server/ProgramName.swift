/// The name by which this program was called: what its hints tell people to type.
public enum ProgramName {
    /// As pip installs it: `promenade` is another project's there.
    private static let ofWheels = "promenade-stack"

    /// The name of this process.
    public static let called = name(of: CommandLine.arguments.first ?? "")

    /// `promenade-stack` where that is the file's name, else `promenade`, whatever a test or a link is called.
    package static func name(of path: String) -> String {
        path.split(separator: "/").last.map(String.init) == ofWheels ? ofWheels : "promenade"
    }
}
