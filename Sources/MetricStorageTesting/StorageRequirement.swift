/// What every store has to do that is to take the place of ours: the contract of `MetricStore` and `RecordStore`, one
/// requirement a case.
///
/// A store proves itself in a test of its own:
///
/// ```swift
/// @Test(arguments: StorageRequirement.allCases)
/// func requirement(_ requirement: StorageRequirement) async throws {
///     try await requirement.check(
///         StorageFactory(name: "mine") { settings, body in
///             let store = MyStore(settings)
///             try await body(store)
///             try await store.close()
///         }
///     )
/// }
/// ```
public enum StorageRequirement: String, Sendable, CaseIterable {
    /// Batches of one source come back as whole columns, all of them and a span.
    case aStreamsBatchesComeBackAsColumns
    /// Series may come into a source's batches and leave them, in any order.
    case membersComeAndGo
    /// Values keep every bit: stale markers, other NaN, signed zeros.
    case valuesComeBackBitForBit
    /// Repeated, late and much too late samples are taken or refused, each for its reason.
    case lateSamplesAreJudgedAsPrometheusDoes
    /// Within the window for late samples they are taken, and stand where they belong.
    case outOfOrderSamplesWithinTheWindowAreTaken
    /// Two sources may write the same series.
    case twoStreamsMayShareASeries
    /// Samples of a batch may have times and start times of their own.
    case samplesMayHaveTimesAndStartsOfTheirOwn
    /// All four kinds of matchers, with absent labels as empty ones.
    case matchersChooseSeries
    /// Names, values and series are listed by span and matchers.
    case labelsAreListedByTimeAndMatcher
    /// Texts are compared byte by byte, not by what they look like.
    case aLetterWrittenInTwoWaysIsTwo
    /// Of a histogram's hint only remains whether it is a gauge.
    case hintsOfCounterResetsAreForgotten
    /// Integer, float and custom-bucket histograms come back; wrong ones are refused.
    case histogramsOfAllKindsComeBack
    /// Exemplars are kept up to a number, the oldest go.
    case exemplarsAreKeptUpToANumber
    /// What was deleted is gone, what comes later is there, before and after cleaning up.
    case deletedSamplesAreGoneAndLaterOnesStay
    /// Beyond the retention samples go, and series without any are forgotten.
    case retentionDropsOldSamplesAndForgetsSeries
    /// Upkeep changes nothing that can be read.
    case mergedBlocksHoldTheSame
    /// The limit of a request, references that nobody gave out, and figures.
    case limitsUnknownSeriesAndFigures
    /// Records and metadata, set and removed.
    case recordsAndMetadataAreKept

    /// Tries the requirement on new stores.
    /// - Throws: ``StorageViolation`` where the store does otherwise; what the store itself throws.
    public func check(_ factory: StorageFactory) async throws {
        do {
            try await body(factory)
        } catch let failed as FailedExpectation {
            throw StorageViolation(requirement: self, store: factory.name, message: failed.message)
        }
    }

    private var body: (StorageFactory) async throws -> Void {
        switch self {
        case .aStreamsBatchesComeBackAsColumns: Self.aStreamsBatchesComeBackAsColumns
        case .membersComeAndGo: Self.membersComeAndGo
        case .valuesComeBackBitForBit: Self.valuesComeBackBitForBit
        case .lateSamplesAreJudgedAsPrometheusDoes: Self.lateSamplesAreJudgedAsPrometheusDoes
        case .outOfOrderSamplesWithinTheWindowAreTaken: Self.outOfOrderSamplesWithinTheWindowAreTaken
        case .twoStreamsMayShareASeries: Self.twoStreamsMayShareASeries
        case .samplesMayHaveTimesAndStartsOfTheirOwn: Self.samplesMayHaveTimesAndStartsOfTheirOwn
        case .matchersChooseSeries: Self.matchersChooseSeries
        case .labelsAreListedByTimeAndMatcher: Self.labelsAreListedByTimeAndMatcher
        case .aLetterWrittenInTwoWaysIsTwo: Self.aLetterWrittenInTwoWaysIsTwo
        case .hintsOfCounterResetsAreForgotten: Self.hintsOfCounterResetsAreForgotten
        case .histogramsOfAllKindsComeBack: Self.histogramsOfAllKindsComeBack
        case .exemplarsAreKeptUpToANumber: Self.exemplarsAreKeptUpToANumber
        case .deletedSamplesAreGoneAndLaterOnesStay: Self.deletedSamplesAreGoneAndLaterOnesStay
        case .retentionDropsOldSamplesAndForgetsSeries: Self.retentionDropsOldSamplesAndForgetsSeries
        case .mergedBlocksHoldTheSame: Self.mergedBlocksHoldTheSame
        case .limitsUnknownSeriesAndFigures: Self.limitsUnknownSeriesAndFigures
        case .recordsAndMetadataAreKept: Self.recordsAndMetadataAreKept
        }
    }
}
