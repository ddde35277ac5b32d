// Whoever speaks of labels and samples speaks of what they are printed as, matched by and timed with.
@_exported public import Clocks
@_exported public import GoText
@_exported public import RE2
