/* QEMU's firmware configuration device: how SeaBIOS gets the VGA BIOS and its settings. */
#ifndef HUDDLE_DEV_FWCFG_H
#define HUDDLE_DEV_FWCFG_H

#include "base/types.h"

struct fwcfg;

/* Selector keys (QEMU docs/specs/fw_cfg). */
enum fwcfg_key {
    FWCFG_SIGNATURE = 0x00,
    FWCFG_ID = 0x01,
    FWCFG_RAM_SIZE = 0x03,
    FWCFG_NB_CPUS = 0x05,
    FWCFG_BOOT_MENU = 0x0e,
    FWCFG_MAX_CPUS = 0x0f,
    FWCFG_FILE_DIR = 0x19,
    FWCFG_FILE_FIRST = 0x20,
};

#endif
