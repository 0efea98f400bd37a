/* Devices that software looks for and this machine does not have. Their ports read as ones like any unclaimed port, but are known by
 * name in reports and are no surprise in the log. */
#include "dev/devices.h"

static const struct bus_port absent_ports[] = {
    {.first = 0x0f1, .count = 1, .width = BUS_8, .name = "coprocessor reset (no device)"},
    {.first = 0x1ce, .count = 1, .width = BUS_8, .name = "Bochs VBE index (no device)"},
    {.first = 0x1cf, .count = 1, .width = BUS_8, .name = "Bochs VBE data (no device)"},
    {.first = 0x1d0, .count = 1, .width = BUS_8, .name = "Bochs VBE data (no device)"},
    {.first = 0x278, .count = 3, .width = BUS_8, .name = "LPT2 (no device)"},
    {.first = 0x2e8, .count = 8, .width = BUS_8, .name = "COM4 (no device)"},
    {.first = 0x2f8, .count = 8, .width = BUS_8, .name = "COM2 (no device)"},
    {.first = 0x378, .count = 3, .width = BUS_8, .name = "LPT1 (no device)"},
    {.first = 0x3bc, .count = 3, .width = BUS_8, .name = "LPT3 (no device)"},
    {.first = 0x3e8, .count = 8, .width = BUS_8, .name = "COM3 (no device)"},
    {.first = 0xcf8, .count = 4, .width = BUS_8, .name = "PCI configuration address (no device)"},
    {.first = 0xcfc, .count = 4, .width = BUS_8, .name = "PCI configuration data (no device)"},
};

static int absent_create(struct machine *machine, void **dev)
{
    (void)machine;
    *dev = NULL;
    return 0;
}

const struct dev_class absent_class = {
    .name = "absent devices", .ports = absent_ports, .n_ports = ARRAY_LEN(absent_ports), .create = absent_create};
