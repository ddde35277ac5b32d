// Whoever fetches from targets tells URLs and failures in the words that all requests share.
@_exported public import HTTPCalling
