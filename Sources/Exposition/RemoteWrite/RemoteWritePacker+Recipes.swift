/// Looking for labels in other labels, once for each series.
extension RemoteWritePacker {
    /// Looks for the labels of a series in those of others that the message has by now.
    /// - Returns: Whether it did.
    mutating func search(_ place: Int) -> Bool {
        let start = ends[place]
        let size = ends[place + 1] - start
        if size == 0 || size > Self.longestLabels {
            recipes[place].isPoor = false
            return false
        }
        if recipes[place].start != Recipe.none {
            guard position > Self.begins, searches < Self.mostSearches else { return false }
            searches += 1
        }
        for index in neighbours.indices where !neighbours[index].isNoted {
            note(neighbours[index].place)
            neighbours[index].isNoted = true
        }
        recipes[place] = Recipe(start: code.count, isPoor: position <= Self.begins)
        var recipe: [UInt8] = []
        func append(_ value: some FixedWidthInteger) {
            withUnsafeBytes(of: value) { recipe.append(contentsOf: $0) }
        }
        var done = 0
        var at = 0
        let labels = labels
        labels.withUnsafeBytes { labels in
            guard let labels = labels.baseAddress else { return }
            while at < size {
                let found = at + 4 <= size ? copied(place, at, labels) : nil
                guard let found else {
                    if at + 4 <= size { Self.note(place, at, labels + start, &words) }
                    at += 1
                    continue
                }
                append(UInt16(at - done))
                recipe.append(contentsOf: UnsafeRawBufferPointer(start: labels + start + done, count: at - done))
                append(Copied.bits(found.count, found.offset, found.place))
                for offset in at..<min(at + found.count, size - 3) { Self.note(place, offset, labels + start, &words) }
                at += found.count
                done = at
            }
            if done < size {
                append(UInt16(size - done))
                recipe.append(contentsOf: UnsafeRawBufferPointer(start: labels + start + done, count: size - done))
            }
        }
        code += recipe
        return true
    }

    /// Where what stands at an offset of a series' labels stood before in the message.
    private func copied(_ place: Int, _ at: Int, _ labels: UnsafeRawPointer) -> (place: Int, offset: Int, count: Int)? {
        let here = ends[place] + at
        var best: (place: Int, offset: Int, count: Int)?
        let candidate = words[Self.slot(labels + here)]
        if candidate != .max {
            let (other, offset) = (Int(candidate >> 16), Int(candidate & 0xffff))
            // The same labels again are no source for themselves.
            if other == place ? offset < at : seen[other].message == message {
                let count = common(place, at, other, offset, labels)
                if count >= 4 { best = (other, offset, count) }
            }
        }
        if at > 0 { return best }
        // What is as long has the same in front of its labels.
        for neighbour in neighbours where neighbour.place >= 0 && neighbour.place != place {
            let other = neighbour.place
            guard ends[other + 1] - ends[other] == ends[place + 1] - ends[place] else { continue }
            let count = common(place, 0, other, 0, labels)
            let isLonger = best.map { ends[$0.place + 1] - ends[$0.place] != ends[other + 1] - ends[other] } ?? true
            if count >= 4, count + (isLonger ? 3 : 0) > best?.count ?? 0 { best = (other, 0, count) }
        }
        return best
    }

    /// How many bytes are the same from two offsets on.
    private func common(_ place: Int, _ at: Int, _ other: Int, _ offset: Int, _ labels: UnsafeRawPointer) -> Int {
        let (here, there) = (ends[place] + at, ends[other] + offset)
        let most = min(ends[place + 1] - here, ends[other + 1] - there)
        var count = 0
        while count < most,
            labels.load(fromByteOffset: here + count, as: UInt8.self)
                == labels.load(fromByteOffset: there + count, as: UInt8.self)
        { count += 1 }
        return count
    }

    /// Notes where the words of a series' labels are.
    private mutating func note(_ place: Int) {
        let start = ends[place]
        let labels = labels
        labels.withUnsafeBytes { labels in
            guard let labels = labels.baseAddress else { return }
            for offset in 0..<max(0, min(ends[place + 1] - start, Self.longestLabels) - 3) {
                Self.note(place, offset, labels + start, &words)
            }
        }
    }

    private static func note(_ place: Int, _ offset: Int, _ labels: UnsafeRawPointer, _ words: inout [UInt64]) {
        words[slot(labels + offset)] = UInt64(place) << 16 | UInt64(offset)
    }

    private static func slot(_ word: UnsafeRawPointer) -> Int {
        let word = UInt32(littleEndian: word.loadUnaligned(as: UInt32.self))
        return Int((word &* 0x1e35_a7bd) >> (32 - wordBits))
    }
}
