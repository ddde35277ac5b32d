#include "CStackFile.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char bytes[] = {
#embed "../../stack.yml"
};

const unsigned char *const stack_file = bytes;
const size_t stack_file_count = sizeof bytes;
