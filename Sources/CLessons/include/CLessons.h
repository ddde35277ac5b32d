#ifndef CLESSONS_H
#define CLESSONS_H

#include <stddef.h>

/// One file of the lessons, embedded at compile time.
struct lesson_file {
    /// Its path below `lessons/`.
    const char *path;
    const unsigned char *bytes;
    size_t count;
};

/// All files; the last entry has no path.
extern const struct lesson_file *const lesson_files;

#endif
