import ArgumentParser
import AsyncHTTPClient

@main struct PromenadeCommand: ParsableCommand {
    func run() {
        print("hi")
    }
}
