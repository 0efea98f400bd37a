/* Short integer names and the address types every folder uses. */
#ifndef HUDDLE_BASE_TYPES_H
#define HUDDLE_BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

typedef u32 gpa_t;    /* guest physical address; the machine has a 32-bit bus */
typedef u32 linear_t; /* guest linear address: segment base + offset, modulo 2^32 */

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)    ((a) < (b) ? (a) : (b))
#define MAX(a, b)    ((a) > (b) ? (a) : (b))
#define BIT(n)       (1u << (n))

#define must_check __attribute__((warn_unused_result))

#define KIB 1024u
#define MIB (1024u * 1024u)

#define NS_PER_US 1000ull
#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

#endif
