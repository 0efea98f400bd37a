/* The four formats of FNSTENV's image. 486 manual, 15.2.3, figures 15-6 to 15-9: 16 or 32 bits, protected or
 * real mode. Reserved halves of the 32-bit formats are stored as ones, as processors do. */
#include "cluster/x87.h"

#include <string.h>

enum { WORDS = 7, OPCODE = 0x7ff, RESERVED_ONES = 0xffff0000 };

enum word { CONTROL, STATUS, TAG, IP, IP_HIGH, DP, DP_HIGH };

u32 x87_environment_bytes(const struct x87_format *format)
{
    return WORDS * format->op_size;
}

static u32 linear(u16 selector, u32 offset)
{
    return ((u32)selector << 4) + offset;
}

static void words_protected_16(u16 *w, const struct x87_pointers *p)
{
    w[IP] = (u16)p->ip;
    w[IP_HIGH] = p->cs;
    w[DP] = (u16)p->dp;
    w[DP_HIGH] = p->ds;
}

/* Bits 16 to 19 of an address are in bits 12 to 15. */
static void words_real_16(u16 *w, const struct x87_pointers *p)
{
    u32 ip = linear(p->cs, p->ip), dp = linear(p->ds, p->dp);
    w[IP] = (u16)ip;
    w[IP_HIGH] = (u16)((ip >> 4 & 0xf000) | p->opcode);
    w[DP] = (u16)dp;
    w[DP_HIGH] = (u16)(dp >> 4 & 0xf000);
}

static void words_protected_32(u32 *w, const struct x87_pointers *p)
{
    w[IP] = p->ip;
    w[IP_HIGH] = p->cs | (u32)p->opcode << 16;
    w[DP] = p->dp;
    w[DP_HIGH] = p->ds | RESERVED_ONES;
}

/* Bits 16 to 31 of an address are in bits 12 to 27. */
static void words_real_32(u32 *w, const struct x87_pointers *p)
{
    u32 ip = linear(p->cs, p->ip), dp = linear(p->ds, p->dp);
    w[IP] = (ip & 0xffff) | RESERVED_ONES;
    w[IP_HIGH] = (ip >> 16 << 12) | p->opcode;
    w[DP] = (dp & 0xffff) | RESERVED_ONES;
    w[DP_HIGH] = dp >> 16 << 12;
}

void x87_environment_store(const struct x87_format *format, u8 *guest, const u8 *host,
                           const struct x87_pointers *pointers)
{
    u32 dword[WORDS];
    u16 word[WORDS];
    memcpy(dword, host, sizeof dword);
    for (int i = CONTROL; i <= TAG; i++) {
        word[i] = (u16)dword[i];
        dword[i] = word[i] | RESERVED_ONES;
    }
    if (format->op_size == 2) {
        (format->protected ? words_protected_16 : words_real_16)(word, pointers);
        memcpy(guest, word, sizeof word);
    } else {
        (format->protected ? words_protected_32 : words_real_32)(dword, pointers);
        memcpy(guest, dword, sizeof dword);
    }
}

static struct x87_pointers pointers_16(const u16 *w, bool protected)
{
    if (protected)
        return (struct x87_pointers){.ip = w[IP], .cs = w[IP_HIGH], .dp = w[DP], .ds = w[DP_HIGH]};
    return (struct x87_pointers){.opcode = w[IP_HIGH] & OPCODE,
                                 .ip = w[IP] | (u32)(w[IP_HIGH] & 0xf000) << 4,
                                 .dp = w[DP] | (u32)(w[DP_HIGH] & 0xf000) << 4};
}

static struct x87_pointers pointers_32(const u32 *w, bool protected)
{
    if (protected)
        return (struct x87_pointers){.opcode = w[IP_HIGH] >> 16 & OPCODE,
                                     .ip = w[IP],
                                     .cs = (u16)w[IP_HIGH],
                                     .dp = w[DP],
                                     .ds = (u16)w[DP_HIGH]};
    return (struct x87_pointers){.opcode = w[IP_HIGH] & OPCODE,
                                 .ip = (w[IP] & 0xffff) | w[IP_HIGH] >> 12 << 16,
                                 .dp = (w[DP] & 0xffff) | w[DP_HIGH] >> 12 << 16};
}

void x87_environment_load(const struct x87_format *format, const u8 *guest, u8 *host,
                          struct x87_pointers *pointers)
{
    u32 dword[WORDS] = {0};
    u16 word[WORDS];
    if (format->op_size == 2) {
        memcpy(word, guest, sizeof word);
        for (int i = CONTROL; i <= TAG; i++)
            dword[i] = word[i];
        *pointers = pointers_16(word, format->protected);
    } else {
        memcpy(dword, guest, sizeof dword);
        *pointers = pointers_32(dword, format->protected);
    }
    memset(&dword[IP], 0, sizeof dword - IP * sizeof dword[0]); /* the host's own would mean nothing */
    memcpy(host, dword, sizeof dword);
}
