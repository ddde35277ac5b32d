import FuzzTargets

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// libFuzzer's own loop: it calls back with one input after the other, and looks which parts of the code each one reaches.
@_silgen_name("LLVMFuzzerRunDriver")
func runFuzzer(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

nonisolated(unsafe) var chosen: FuzzTarget?

guard CommandLine.arguments.count > 1, let target = FuzzTarget.all.first(where: { $0.name == CommandLine.arguments[1] })
else {
    print(FuzzTarget.all.map(\.name).joined(separator: "\n"))
    exit(CommandLine.arguments.last == "list" ? 0 : 2)
}

chosen = target
// The fuzzer's arguments are those behind the name.
let given = [CommandLine.arguments[0]] + CommandLine.arguments.dropFirst(2)
let texts = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: given.count + 1)
for (index, argument) in given.enumerated() {
    let bytes = argument.utf8CString
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    bytes.withUnsafeBufferPointer { copy.initialize(from: $0.baseAddress!, count: $0.count) }
    texts[index] = copy
}
texts[given.count] = nil
var count = Int32(given.count)
var start = texts
_ = runFuzzer(&count, &start) { bytes, count in
    let input = [UInt8](UnsafeBufferPointer(start: bytes, count: count))
    if let found = chosen?.contradiction(input) { fatalError(found) }
    return 0
}
