/* A machine without processor and interrupt controller: memory, bus, a clock that the test moves, and
 * sixteen lines that remember their level and count their rising edges. */
#ifndef HUDDLE_TESTS_STORAGE_RIG_H
#define HUDDLE_TESTS_STORAGE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dev/block.h"
#include "dev/devices.h"

struct rig {
    struct machine machine;
    struct machine_config config;
    bool irq_level[16];
    u32 irq_edges[16];
    void *dev[4];
    const struct dev_class *class[4];
    u32 n_devs;
    char path[4][64]; /* temporary images */
    u32 n_paths;
};

/* An empty machine of 2 MiB; fill in rig->config before adding devices. */
struct rig *rig_create(void);
/* Destroys the devices, closes the images of the configuration and removes their files. */
void rig_destroy(struct rig *rig);
/* Creates, wires and resets a device. */
void rig_add(struct rig *rig, const struct dev_class *class);

/* Moves time by `ns`, event by event. */
void rig_pass(struct rig *rig, u64 ns);
u8 rig_in(struct rig *rig, u16 port);
void rig_out(struct rig *rig, u16 port, u8 value);

/* A file of `sectors` sectors, each filled with what rig_sector_byte says. Returns its path. */
const char *rig_image(struct rig *rig, u64 sectors);
u8 rig_sector_byte(u64 lba, u32 offset);
void rig_fill_sector(u64 lba, u8 *sector);
/* Opens an image made by rig_image. */
struct block *rig_open(struct rig *rig, u64 sectors, enum block_kind kind);
/* The same with a file that may not be written. */
struct block *rig_open_protected(struct rig *rig, u64 sectors, enum block_kind kind);
/* What the file holds now. */
void rig_file_sector(const char *path, u64 lba, u8 *sector);

/* The entry points of the test program's files. */
int block_tests(void);
int dma_tests(void);
int fdc_tests(void);
int fdc_transfer_tests(void);
int ide_tests(void);
int ide_transfer_tests(void);
int uart_tests(void);
int storm_tests(void);
int fault_tests(void);

#endif
