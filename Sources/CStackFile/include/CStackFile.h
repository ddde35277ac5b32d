#ifndef CSTACKFILE_H
#define CSTACKFILE_H

#include <stddef.h>

/// The shipped stack.yml, embedded at compile time.
extern const unsigned char *const stack_file;

/// How many bytes it has.
extern const size_t stack_file_count;

#endif
