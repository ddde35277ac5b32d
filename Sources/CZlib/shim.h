#include <zlib.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <string.h>

typedef long long crc_lane __attribute__((vector_size(16), aligned(16)));

static inline int crc_folds(void) {
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_PCLMUL) != 0;
}

/* What a lane is once the message goes on for as many bits as the constants stand for. */
__attribute__((target("pclmul"))) static inline crc_lane crc_fold(crc_lane lane, crc_lane constants) {
    return __builtin_ia32_pclmulqdq128(lane, constants, 0x00) ^ __builtin_ia32_pclmulqdq128(lane, constants, 0x11);
}

__attribute__((target("pclmul"))) static inline unsigned long crc_folding(const unsigned char *bytes, size_t count) {
    const crc_lane by512 = {0x154442bd4, 0x1c6e41596}, by128 = {0x1751997d0, 0x0ccaa009e};
    crc_lane lanes[4], next;
    memcpy(lanes, bytes, 64);
    lanes[0] ^= (crc_lane){0xffffffff, 0};
    const unsigned char *end = bytes + count;
    bytes += 64;
    for (; end - bytes >= 64; bytes += 64) {
        for (int lane = 0; lane < 4; lane += 1) {
            memcpy(&next, bytes + 16 * lane, 16);
            lanes[lane] = crc_fold(lanes[lane], by512) ^ next;
        }
    }
    for (int lane = 1; lane < 4; lane += 1) lanes[lane] ^= crc_fold(lanes[lane - 1], by128);
    /* The lane that is left has the checksum of all before it where a message begins with it and not with ones. */
    return crc32_z(crc32_z(0xffffffff, (const unsigned char *)&lanes[3], 16), bytes, (z_size_t)(end - bytes));
}
#endif

/* The CRC-32 of bytes as zlib has it. Where the processor multiplies without carries, 64 bytes are folded at a time (V. Gopal et al.,
   "Fast CRC computation for generic polynomials using PCLMULQDQ instruction", Intel 2009, section 4). */
static inline unsigned long crc32_of(const unsigned char *bytes, size_t count) {
#if defined(__x86_64__)
    static _Atomic int folds = -1;
    if (folds < 0) folds = crc_folds();
    if (folds && count >= 64) return crc_folding(bytes, count);
#endif
    return crc32_z(0, bytes, (z_size_t)count);
}
