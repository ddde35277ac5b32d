/// How a gateway behaves. The defaults are the original's.
public struct PushgatewayOptions: Sendable, Hashable {
    /// Whether a push is checked against all that is there before it is taken.
    public var checksConsistency = true
    /// Whether names of metrics and labels may have any characters.
    public var allowsUTF8Names = false
    /// How long a group lives without another push, in nanoseconds; `nil` for ever.
    public var timeToLive: Int64?
    /// Whether a push may set its group's time to live with the header `X-Pushgateway-TTL`.
    public var acceptsTimeToLiveHeader = false
    /// Whether groups can be deleted by a selector: `DELETE /metrics?match[]={job="batch"}`.
    public var allowsDeletionBySelector = false
    /// Whether a push may ask for its counters to be added to what is there: `POST …?aggregate=1`.
    public var allowsAggregation = false
    /// How many pushes are remembered.
    public var historyLimit = 1000
    /// How many pushes may wait to be written before the gateway calls itself unhealthy.
    public var queueLimit = 1000

    /// The original's behaviour.
    public init() {}
}
