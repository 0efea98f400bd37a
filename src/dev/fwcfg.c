/* QEMU fw_cfg, the traditional port interface: a 16-bit selector at 510h, a byte stream at 511h. QEMU,
 * docs/specs/fw_cfg.rst. What lies beyond an item, and every unknown key, reads as zero; writes are
 * ignored.
 *
 * What SeaBIOS makes of it on a machine without PCI:
 *  - it zeroes C0000h-DFFFFh and then copies and runs every file "vgaroms/..." there, so the VGA BIOS
 *    must be a file and a ROM mapped at C0000h would be overwritten;
 *  - it does the same with "genroms/...": so the built-in DOS's ROM gets there;
 *  - boot menu 0 (key 0Eh, a missing key would do): no 2.5 s wait for F12;
 *  - "etc/boot-fail-wait" -1: say once that nothing can be booted instead of trying again every minute;
 *  - "etc/e820": the RAM, so that it needs no guess about KVM's reserved pages.
 * The boot order is in CMOS: "bootorder" names drives by their PCI path, and there is none.
 * LIMIT: no DMA interface (bit 1 of the ID is clear): it is a bus master only firmware knows. */
#include "dev/fwcfg.h"

#include "base/bug.h"
#include "dev/devices.h"
#include "machine/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { FWCFG_ID_TRADITIONAL = 1, E820_RAM = 1 };
enum { FWCFG_NAME_BYTES = 56, FWCFG_DIR_ENTRY_BYTES = 64, FWCFG_FILES = 4, FWCFG_ITEMS = 7 + FWCFG_FILES };

struct fwcfg_item {
    u16 key;
    const u8 *data;
    u32 bytes;
};

struct fwcfg {
    const struct fwcfg_item *selected; /* NULL: an unknown key */
    u32 offset;
    u32 n_items;
    struct fwcfg_item item[FWCFG_ITEMS];
    u32 n_files;
    /* What the items point to, in the guest's byte order. */
    u8 id[4];
    u8 ram_size[8];
    u8 cpus[2];
    u8 boot_menu[2];
    u8 boot_fail_wait[4];
    u8 e820[20];
    u8 directory[4 + FWCFG_FILES * FWCFG_DIR_ENTRY_BYTES];
};

static void put_le(u8 *at, u64 value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (u8)(value >> 8 * i);
}

static void put_be(u8 *at, u64 value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[bytes - 1 - i] = (u8)(value >> 8 * i);
}

/* --- Building --- */

static void fwcfg_add(struct fwcfg *f, u16 key, const void *data, u32 bytes)
{
    BUG_ON(f->n_items >= FWCFG_ITEMS);
    f->item[f->n_items++] = (struct fwcfg_item){.key = key, .data = data, .bytes = bytes};
}

/* A directory entry: size and key big-endian, two bytes reserved, the name. */
static void fwcfg_add_file(struct fwcfg *f, const char *name, const void *data, u32 bytes)
{
    enum { KEY_AT = 4, NAME_AT = 8 };
    u16 key = (u16)(FWCFG_FILE_FIRST + f->n_files);
    u8 *entry = f->directory + 4 + f->n_files * FWCFG_DIR_ENTRY_BYTES;
    put_be(entry, bytes, 4);
    put_be(entry + KEY_AT, key, 2);
    snprintf((char *)entry + NAME_AT, FWCFG_NAME_BYTES, "%s", name);
    put_be(f->directory, ++f->n_files, 4);
    fwcfg_add(f, key, data, bytes);
}

static void fwcfg_add_vgabios(struct fwcfg *f, const struct machine_config *config)
{
    char name[FWCFG_NAME_BYTES];
    if (!config->vgabios)
        return;
    snprintf(name, sizeof name, "vgaroms/%s", config->vgabios_name ? config->vgabios_name : "vgabios.bin");
    fwcfg_add_file(f, name, config->vgabios, config->vgabios_bytes);
}

static void fwcfg_build(struct fwcfg *f, const struct machine_config *config)
{
    put_le(f->id, FWCFG_ID_TRADITIONAL, sizeof f->id);
    put_le(f->ram_size, config->ram_bytes, sizeof f->ram_size);
    put_le(f->cpus, 1, sizeof f->cpus);
    put_le(f->boot_fail_wait, UINT32_MAX, sizeof f->boot_fail_wait);
    put_le(f->e820 + 8, config->ram_bytes, 8);
    put_le(f->e820 + 16, E820_RAM, 4);

    fwcfg_add(f, FWCFG_SIGNATURE, "QEMU", 4);
    fwcfg_add(f, FWCFG_ID, f->id, sizeof f->id);
    fwcfg_add(f, FWCFG_RAM_SIZE, f->ram_size, sizeof f->ram_size);
    fwcfg_add(f, FWCFG_NB_CPUS, f->cpus, sizeof f->cpus);
    fwcfg_add(f, FWCFG_BOOT_MENU, f->boot_menu, sizeof f->boot_menu);
    fwcfg_add(f, FWCFG_MAX_CPUS, f->cpus, sizeof f->cpus);
    fwcfg_add_file(f, "etc/boot-fail-wait", f->boot_fail_wait, sizeof f->boot_fail_wait);
    fwcfg_add_file(f, "etc/e820", f->e820, sizeof f->e820);
    fwcfg_add_vgabios(f, config);
    if (config->boot_rom)
        fwcfg_add_file(f, "genroms/huddle-dos.rom", config->boot_rom, config->boot_rom_bytes);
    fwcfg_add(f, FWCFG_FILE_DIR, f->directory, 4 + f->n_files * FWCFG_DIR_ENTRY_BYTES);
}

/* --- Bus --- */

static void fwcfg_select(struct fwcfg *f, u16 key)
{
    f->offset = 0;
    f->selected = NULL;
    for (u32 i = 0; i < f->n_items; i++)
        if (f->item[i].key == key)
            f->selected = &f->item[i];
}

static void fwcfg_select_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)port, (void)size;
    fwcfg_select(dev, (u16)value);
}

static u32 fwcfg_data_in(void *dev, u16 port, u8 size)
{
    struct fwcfg *f = dev;
    (void)port, (void)size;
    if (!f->selected || f->offset >= f->selected->bytes)
        return 0;
    return f->selected->data[f->offset++];
}

static const struct bus_port fwcfg_ports[] = {
    {0x510, 1, BUS_16, "fw_cfg selector", NULL, fwcfg_select_out},
    {0x511, 1, BUS_8, "fw_cfg data", fwcfg_data_in, NULL},
};

static int fwcfg_create(struct machine *machine, void **dev)
{
    struct fwcfg *f = calloc(1, sizeof *f);
    if (!f)
        return -ENOMEM;
    fwcfg_build(f, machine->config);
    *dev = f;
    return 0;
}

static void fwcfg_reset(void *dev)
{
    fwcfg_select(dev, FWCFG_SIGNATURE);
}

static void fwcfg_state(void *dev, struct state *s)
{
    struct fwcfg *f = dev;
    u32 item = f->selected ? (u32)(f->selected - f->item) + 1 : 0; /* 0: none */
    state_u32_in(s, &item, 0, f->n_items, "the item");
    state_u32(s, &f->offset);
    f->selected = item ? &f->item[item - 1] : NULL;
}

const struct dev_class fwcfg_class = {
    .name = "fwcfg",
    .ports = fwcfg_ports,
    .n_ports = ARRAY_LEN(fwcfg_ports),
    .create = fwcfg_create,
    .reset = fwcfg_reset,
    .destroy = free,
    .state = fwcfg_state,
};
