import NIOCore

/// What the system knows of the other end of a connection.
enum PeerState {
    /// It is there, or nothing is known of it.
    case present
    /// It sends nothing more, and may read what it is sent.
    case halfClosed
    /// It is gone.
    case gone

    /// That of a connection; to be asked on its loop.
    init(_ channel: any Channel) {
        self = .present
        #if os(Linux)
            // tcp(7): the state is the first byte of `tcp_info`, of which no more than four are asked for here.
            let option = ChannelOptions.Types.SocketOption(level: .tcp, name: .tcp_info)
            guard let options = channel.syncOptions, let begin = try? options.getOption(option) else { return }
            switch withUnsafeBytes(of: begin, { $0[0] }) {
            case 7: self = .gone
            case 8: self = .halfClosed
            default: break
            }
        #endif
    }
}
