#ifndef CWEBASSETS_H
#define CWEBASSETS_H

#include <stddef.h>

/// One file of the web pages, embedded at compile time.
struct web_asset {
    /// Its path below `files/`.
    const char *path;
    const unsigned char *bytes;
    size_t count;
};

/// All files; the last entry has no path.
extern const struct web_asset *const web_assets;

#endif
