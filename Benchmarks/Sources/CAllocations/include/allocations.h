#pragma once
#include <stdint.h>

/// How often memory was allocated in this process so far; 0 where that is not counted.
uint64_t benchmark_allocations(void);
