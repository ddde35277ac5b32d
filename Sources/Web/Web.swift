import CWebAssets

/// The files of the web pages.
public enum WebAssets {
    static var first: Int { web_assets[0].count }
}
