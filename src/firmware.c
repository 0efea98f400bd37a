/* Finding, reading and checking firmware. What makes an image usable: the system BIOS begins at its last 16
 * bytes, where the processor starts after reset (486 Programmer's Reference Manual, 10.2.3); an option ROM
 * begins with 55h AAh and its length in units of 512 bytes, and its bytes add up to zero (BIOS Boot
 * Specification 1.01, appendix A); SeaBIOS refuses it otherwise. */
#include "firmware.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BIOS_UNIT_BYTES  (64 * KIB)
#define BIOS_MAX_BYTES   (256 * KIB)
#define RESET_VECTOR     16 /* bytes before the end */
#define ROM_UNIT_BYTES   512
#define ROM_MAX_BYTES    (64 * KIB) /* C0000h to CFFFFh */
#define FIRMWARE_TOO_BIG (16 * MIB) /* nothing like firmware: do not even read it */

static const char *const firmware_dirs[] = {
    "/usr/share/seabios", "/usr/share/qemu",       "/usr/share/seavgabios",
    "/usr/share/vgabios", "/usr/local/share/qemu",
};

static const struct {
    const char *what;
    const char *files[2]; /* in order of preference */
} firmware_kinds[] = {
    [FIRMWARE_BIOS] = {"system firmware", {"bios.bin", "bios-256k.bin"}},
    [FIRMWARE_VGABIOS] = {"VGA firmware", {"vgabios-isavga.bin", "vgabios-stdvga.bin"}},
};

/* What code at the reset vector begins with: a jump, perhaps after CLI, NOP, WBINVD or a prefix. */
static bool plausible_reset_code(u8 opcode)
{
    static const u8 openings[] = {0xea, 0xe9, 0xeb, 0xfa, 0xfc, 0x90, 0x0f, 0x66, 0x2e};
    return memchr(openings, opcode, sizeof openings) != NULL;
}

static const char *check_bios(const u8 *data, size_t bytes)
{
    if (bytes == 0 || bytes % BIOS_UNIT_BYTES || bytes > BIOS_MAX_BYTES)
        return "its size is not 64, 128, 192 or 256 KiB";
    if (!plausible_reset_code(data[bytes - RESET_VECTOR]))
        return "there is no jump at the reset vector, 16 bytes before its end";
    return NULL;
}

static const char *check_vgabios(const u8 *data, size_t bytes)
{
    u8 sum = 0;
    if (bytes < ROM_UNIT_BYTES || bytes > ROM_MAX_BYTES)
        return "its size is not between 512 bytes and 64 KiB";
    if (data[0] != 0x55 || data[1] != 0xaa)
        return "it does not begin with the signature 55h AAh of an option ROM";
    size_t length = (size_t)data[2] * ROM_UNIT_BYTES;
    if (length == 0 || length > bytes)
        return "the length in its header is zero or more than the file has";
    for (size_t i = 0; i < length; i++)
        sum = (u8)(sum + data[i]);
    return sum ? "its checksum is wrong: the file is damaged" : NULL;
}

const char *firmware_check(enum firmware_kind kind, const u8 *data, size_t bytes)
{
    return kind == FIRMWARE_BIOS ? check_bios(data, bytes) : check_vgabios(data, bytes);
}

static int read_all(int fd, u8 *data, size_t bytes)
{
    while (bytes) {
        ssize_t n = read(fd, data, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        data += n;
        bytes -= (size_t)n;
    }
    return 0;
}

/* The whole of a regular file of sane size, in memory the image then owns. */
static int read_file(struct firmware_image *image, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO without a writer must not block */
    if (fd < 0)
        return -errno;
    int rc = fstat(fd, &st) ? -errno : 0;
    if (!rc && !S_ISREG(st.st_mode))
        rc = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
    if (!rc && (st.st_size == 0 || st.st_size > (off_t)FIRMWARE_TOO_BIG))
        rc = -EFBIG;
    if (!rc && !(image->data = malloc((size_t)st.st_size)))
        rc = -ENOMEM;
    if (!rc) {
        image->bytes = (u32)st.st_size;
        rc = read_all(fd, image->data, image->bytes);
    }
    close(fd);
    return rc;
}

bool firmware_find(char *path, enum firmware_kind kind, const char *root)
{
    for (size_t f = 0; f < ARRAY_LEN(firmware_kinds[kind].files); f++) {
        for (size_t d = 0; d < ARRAY_LEN(firmware_dirs); d++) {
            int n =
                snprintf(path, PATH_MAX, "%s%s/%s", root, firmware_dirs[d], firmware_kinds[kind].files[f]);
            if (n < PATH_MAX && access(path, F_OK) == 0)
                return true;
        }
    }
    path[0] = '\0';
    return false;
}

static const char *override_option(enum firmware_kind kind)
{
    return kind == FIRMWARE_BIOS ? "--bios" : "--vgabios";
}

int firmware_load_image(struct firmware_image *image, enum firmware_kind kind, const char *path,
                        const char *root, char *why, size_t why_bytes)
{
    const char *what = firmware_kinds[kind].what;
    memset(image, 0, sizeof *image);
    if (path) {
        snprintf(image->path, sizeof image->path, "%s", path);
    } else if (!firmware_find(image->path, kind, root)) {
        snprintf(why, why_bytes,
                 "no %s: %s is not in %s; install the package %s, or name a file with %s=FILE", what,
                 firmware_kinds[kind].files[0], firmware_dirs[0], FIRMWARE_PACKAGE, override_option(kind));
        return -ENOENT;
    }
    int rc = read_file(image, image->path);
    const char *reason = rc == -EFBIG ? "its size is not that of firmware" : rc ? strerror(-rc) : NULL;
    if (!reason) {
        reason = firmware_check(kind, image->data, image->bytes);
        rc = reason ? -EINVAL : 0;
    }
    if (rc) {
        snprintf(why, why_bytes, "%.200s cannot be used as %s: %s (the package %s has one that can)", image->path,
                 what, reason, FIRMWARE_PACKAGE);
        firmware_free_image(image);
    }
    return rc;
}

void firmware_free_image(struct firmware_image *image)
{
    free(image->data);
    image->data = NULL;
    image->bytes = 0;
}

int firmware_load(struct firmware *firmware, const char *bios_path, const char *vgabios_path)
{
    char why[512];
    memset(firmware, 0, sizeof *firmware);
    int rc = firmware_load_image(&firmware->bios, FIRMWARE_BIOS, bios_path, "", why, sizeof why);
    if (!rc)
        rc = firmware_load_image(&firmware->vgabios, FIRMWARE_VGABIOS, vgabios_path, "", why, sizeof why);
    if (rc) {
        log_error("%s", why);
        firmware_unload(firmware);
    }
    return rc;
}

void firmware_unload(struct firmware *firmware)
{
    firmware_free_image(&firmware->bios);
    firmware_free_image(&firmware->vgabios);
}

const char *firmware_name(const struct firmware_image *image)
{
    const char *slash = strrchr(image->path, '/');
    return slash ? slash + 1 : image->path;
}
