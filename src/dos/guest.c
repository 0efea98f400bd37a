/* Guest memory as real-mode code sees it. */
#include "dos/dos_impl.h"

#include <string.h>

enum { A20_BIT = 1 << 20 };

static gpa_t linear_of(const struct dos *dos, far_t at, u32 i)
{
    gpa_t linear = (at >> 16) * 16 + (at & 0xffff) + i;
    return dos->machine->memory.a20 ? linear : linear & ~(gpa_t)A20_BIT;
}

static u32 chunk(gpa_t linear, u32 bytes)
{
    return MIN(bytes, PAGE_BYTES - linear % PAGE_BYTES);
}

static void read_chunk(const struct dos *dos, gpa_t linear, u8 *to, u32 bytes)
{
    const struct memory *mem = &dos->machine->memory;
    enum page_kind kind = memory_kind(mem, linear);
    if (kind == PAGE_RAM || kind == PAGE_ROM) {
        memcpy(to, mem->view + linear, bytes);
        return;
    }
    for (u32 i = 0; i < bytes; i++)
        to[i] = kind == PAGE_DEVICE ? (u8)machine_mmio_read(dos->machine, linear + i, 1) : 0xff;
}

static void write_chunk(struct dos *dos, gpa_t linear, const u8 *from, u32 bytes)
{
    const struct memory *mem = &dos->machine->memory;
    enum page_kind kind = memory_kind(mem, linear);
    if (kind == PAGE_RAM)
        memcpy(mem->view + linear, from, bytes);
    for (u32 i = 0; kind == PAGE_DEVICE && i < bytes; i++)
        machine_mmio_write(dos->machine, linear + i, 1, from[i]);
}

void guest_read(const struct dos *dos, far_t at, void *buf, u32 bytes)
{
    for (u32 i = 0, n; i < bytes; i += n) {
        gpa_t linear = linear_of(dos, at, i);
        n = chunk(linear, bytes - i);
        read_chunk(dos, linear, (u8 *)buf + i, n);
    }
}

void guest_write(struct dos *dos, far_t at, const void *buf, u32 bytes)
{
    for (u32 i = 0, n; i < bytes; i += n) {
        gpa_t linear = linear_of(dos, at, i);
        n = chunk(linear, bytes - i);
        write_chunk(dos, linear, (const u8 *)buf + i, n);
    }
    memory_stored(&dos->machine->memory);
}

void guest_fill(struct dos *dos, far_t at, u8 value, u32 bytes)
{
    u8 block[PAGE_BYTES];
    memset(block, value, sizeof block);
    for (u32 i = 0, n; i < bytes; i += n) {
        gpa_t linear = linear_of(dos, at, i);
        n = chunk(linear, bytes - i);
        write_chunk(dos, linear, block, n);
    }
    memory_stored(&dos->machine->memory);
}

/* From 1 MiB on the view may show something else: A20 may be off. */
void guest_read_linear(const struct dos *dos, gpa_t at, void *buf, u32 bytes)
{
    for (u32 i = 0, n; i < bytes; i += n) {
        n = chunk(at + i, bytes - i);
        if (at + i < A20_BIT)
            read_chunk(dos, at + i, (u8 *)buf + i, n);
        else if (!memory_read(&dos->machine->memory, at + i, (u8 *)buf + i, n))
            memset((u8 *)buf + i, 0xff, n);
    }
}

void guest_write_linear(struct dos *dos, gpa_t at, const void *buf, u32 bytes)
{
    for (u32 i = 0, n; i < bytes; i += n) {
        n = chunk(at + i, bytes - i);
        if (at + i < A20_BIT)
            write_chunk(dos, at + i, (const u8 *)buf + i, n);
        else if (!memory_write(&dos->machine->memory, at + i, (const u8 *)buf + i, n))
            break; /* nothing is there */
    }
    memory_stored(&dos->machine->memory);
}

u8 guest_u8(const struct dos *dos, far_t at)
{
    u8 value;
    guest_read(dos, at, &value, sizeof value);
    return value;
}

u16 guest_u16(const struct dos *dos, far_t at)
{
    u16 value;
    guest_read(dos, at, &value, sizeof value);
    return value;
}

u32 guest_u32(const struct dos *dos, far_t at)
{
    u32 value;
    guest_read(dos, at, &value, sizeof value);
    return value;
}

void guest_put_u8(struct dos *dos, far_t at, u8 value)
{
    guest_write(dos, at, &value, sizeof value);
}

void guest_put_u16(struct dos *dos, far_t at, u16 value)
{
    guest_write(dos, at, &value, sizeof value);
}

void guest_put_u32(struct dos *dos, far_t at, u32 value)
{
    guest_write(dos, at, &value, sizeof value);
}

bool guest_string(const struct dos *dos, far_t at, char *text, u32 room)
{
    for (u32 i = 0; i < room; i++) {
        u16 offset = (u16)((at & 0xffff) + i);
        text[i] = (char)guest_u8(dos, far((u16)(at >> 16), offset));
        if (!text[i])
            return true;
    }
    text[room - 1] = 0;
    return false;
}

far_t vector_get(const struct dos *dos, u8 number)
{
    return guest_u32(dos, far(0, (u16)(number * 4)));
}

void vector_set(struct dos *dos, u8 number, far_t handler)
{
    guest_put_u32(dos, far(0, (u16)(number * 4)), handler);
}
