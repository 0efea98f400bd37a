/* The card's 64 KiB as both DMA channels see them, and remote DMA: the guest moves the bytes through the data
 * port, the controller counts addresses. Data sheet sections 6 and 9. The address counter goes from the end
 * of the ring to its beginning by itself, in any remote transfer. LIMIT: a data port that nobody has
 * programmed a transfer for reads as ones; a real card would stop the bus. */
#include "dev/ne2000.h"

#include <string.h>

u8 ne2000_fetch(const struct ne2000 *nic, u16 address)
{
    if (address < NE2000_PROM_BYTES)
        return nic->prom[address];
    u32 at = (u32)address - NE2000_RAM_FIRST;
    return at < NE2000_RAM_BYTES ? nic->ram[at] : 0xff;
}

void ne2000_store(struct ne2000 *nic, u16 address, u8 value)
{
    u32 at = (u32)address - NE2000_RAM_FIRST;
    if (at < NE2000_RAM_BYTES)
        nic->ram[at] = value;
}

u8 *ne2000_ram_at(struct ne2000 *nic, u16 address, u32 *bytes)
{
    u32 at = (u32)address - NE2000_RAM_FIRST;
    if (at >= NE2000_RAM_BYTES)
        return NULL;
    *bytes = MIN(*bytes, NE2000_RAM_BYTES - at);
    return nic->ram + at;
}

/* --- the channel --- */

static void remote_advance(struct ne2000 *nic, u32 bytes)
{
    nic->rsar = (u16)(nic->rsar + bytes);
    if (nic->rsar == nic->pstop * NE2000_PAGE_BYTES)
        nic->rsar = (u16)(nic->pstart * NE2000_PAGE_BYTES);
}

/* Send: the frame has been taken out of the ring. */
static void remote_complete(struct ne2000 *nic)
{
    if (nic->remote == REMOTE_SEND) {
        nic->bnry = nic->remote_next;
        nic->ring_full = false;
    }
    nic->remote = REMOTE_IDLE;
    ne2000_raise(nic, ISR_RDC);
}

static void remote_count(struct ne2000 *nic, u32 bytes)
{
    remote_advance(nic, bytes);
    nic->rbcr = (u16)(nic->rbcr > bytes ? nic->rbcr - bytes : 0);
    if (!nic->rbcr)
        remote_complete(nic);
}

static u32 unit_bytes(const struct ne2000 *nic)
{
    return nic->dcr & DCR_WTS ? 2 : 1;
}

/* A word's low address line stays low. */
static u16 remote_address(const struct ne2000 *nic)
{
    return nic->dcr & DCR_WTS ? nic->rsar & ~1 : nic->rsar;
}

static u32 take_unit(struct ne2000 *nic)
{
    u32 bytes = unit_bytes(nic), value = 0;
    u16 address = remote_address(nic);
    if (nic->remote != REMOTE_READ && nic->remote != REMOTE_SEND)
        return 0xffff;
    for (u32 i = 0; i < bytes; i++)
        value |= (u32)ne2000_fetch(nic, (u16)(address + i)) << 8 * i;
    remote_count(nic, bytes);
    return value;
}

static void give_unit(struct ne2000 *nic, u32 value)
{
    u32 bytes = unit_bytes(nic);
    u16 address = remote_address(nic);
    if (nic->remote != REMOTE_WRITE)
        return;
    for (u32 i = 0; i < bytes; i++)
        ne2000_store(nic, (u16)(address + i), (u8)(value >> 8 * i));
    remote_count(nic, bytes);
}

/* The fields of the header at BNRY say how much, and where the next frame is. */
static void prepare_send(struct ne2000 *nic)
{
    u16 header = (u16)(nic->bnry * NE2000_PAGE_BYTES);
    nic->remote_next = ne2000_fetch(nic, header + 1);
    nic->rsar = header;
    nic->rbcr = (u16)(ne2000_fetch(nic, header + 2) | ne2000_fetch(nic, header + 3) << 8);
}

void ne2000_remote_start(struct ne2000 *nic, enum ne2000_remote kind)
{
    if (!ne2000_runs(nic) || (nic->dcr & DCR_LAS))
        return;
    if (kind == REMOTE_SEND) {
        if (!(nic->dcr & DCR_AR) || nic->remote == REMOTE_SEND)
            return;
        prepare_send(nic);
    }
    nic->remote = kind;
    if (!nic->rbcr)
        remote_complete(nic);
}

/* --- the data port --- */

/* The card takes words when the controller does, so a byte access moves a whole one, and a wider access
 * several units. */
u32 ne2000_data_in(void *dev, u16 port, u8 size)
{
    struct ne2000 *nic = dev;
    u32 value = 0, bytes = unit_bytes(nic);
    (void)port;
    for (u32 i = 0; i < size; i += bytes)
        value |= take_unit(nic) << 8 * i;
    return value;
}

void ne2000_data_out(void *dev, u16 port, u8 size, u32 value)
{
    struct ne2000 *nic = dev;
    u32 bytes = unit_bytes(nic);
    (void)port;
    for (u32 i = 0; i < size; i += bytes)
        give_unit(nic, value >> 8 * i);
}

/* How many elements lie in RAM one behind the other and leave something for an access by itself, which ends
 * the transfer. */
static u32 run_room(struct ne2000 *nic, u8 size, u32 count, u8 **ram)
{
    u32 left = nic->rbcr ? nic->rbcr - 1u : 0, stop = nic->pstop * NE2000_PAGE_BYTES;
    if (size < unit_bytes(nic) || ((nic->dcr & DCR_WTS) && (nic->rsar & 1)))
        return 0;
    if (stop > nic->rsar)
        left = MIN(left, stop - nic->rsar);
    *ram = ne2000_ram_at(nic, nic->rsar, &left);
    return *ram ? MIN(count, left / size) : 0;
}

u32 ne2000_data_in_run(void *dev, u16 port, u8 size, u32 count, u8 *to)
{
    struct ne2000 *nic = dev;
    u8 *ram;
    (void)port;
    if (nic->remote != REMOTE_READ && nic->remote != REMOTE_SEND)
        return 0;
    u32 n = run_room(nic, size, count, &ram);
    if (!n)
        return 0;
    memcpy(to, ram, n * size);
    remote_count(nic, n * size);
    return n;
}

u32 ne2000_data_out_run(void *dev, u16 port, u8 size, u32 count, const u8 *from)
{
    struct ne2000 *nic = dev;
    u8 *ram;
    (void)port;
    if (nic->remote != REMOTE_WRITE)
        return 0;
    u32 n = run_room(nic, size, count, &ram);
    if (!n)
        return 0;
    memcpy(ram, from, n * size);
    remote_count(nic, n * size);
    return n;
}
