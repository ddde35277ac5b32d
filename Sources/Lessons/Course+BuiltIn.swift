internal import CLessons

extension Course {
    /// The lessons that are part of the program.
    public static var builtIn: Course { Course(builtInFiles, folder: "lessons") }

    /// Their files.
    public static var builtInFiles: [File] {
        var files: [File] = []
        var entry = lesson_files
        while let pointer = entry, let path = pointer.pointee.path {
            let bytes = UnsafeRawBufferPointer(start: pointer.pointee.bytes, count: pointer.pointee.count)
            let parts = String(cString: path).split(separator: "/").map(String.init)
            if parts.count == 2 { files.append(File(lesson: parts[0], name: parts[1], bytes: Array(bytes))) }
            entry = pointer + 1
        }
        return files
    }
}
