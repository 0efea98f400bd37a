/* Screenshots: a picture as PNG, 8 bits per channel (libpng manual, "Writing PNG files"). */
#include "dev/vga/vga.h"

#include "base/log.h"

#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void on_png_error(png_structp png, png_const_charp message)
{
    const char *path = png_get_error_ptr(png);
    log_error("%s: PNG: %s", path, message);
    longjmp(png_jmpbuf(png), 1);
}

static void on_png_warning(png_structp png, png_const_charp message)
{
    const char *path = png_get_error_ptr(png);
    log_warn("%s: PNG: %s", path, message);
}

static void pack_row(const u32 *pixels, u32 width, u8 *row)
{
    for (u32 x = 0; x < width; x++) {
        row[3 * x] = (u8)(pixels[x] >> 16);
        row[3 * x + 1] = (u8)(pixels[x] >> 8);
        row[3 * x + 2] = (u8)pixels[x];
    }
}

/* False if libpng gave up (logged). No locals change between setjmp and longjmp. */
static bool write_png(png_structp png, png_infop info, FILE *file, const struct vga_picture *picture, u8 *row)
{
    if (setjmp(png_jmpbuf(png)))
        return false;
    png_init_io(png, file);
    png_set_IHDR(png, info, picture->width, picture->height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (u32 y = 0; y < picture->height; y++) {
        pack_row(picture->pixels + (size_t)y * picture->width, picture->width, row);
        png_write_row(png, row);
    }
    png_write_end(png, info);
    return true;
}

static int picture_write(const struct vga_picture *picture, FILE *file, const char *path)
{
    int rc = -ENOMEM;
    u8 *row = malloc((size_t)picture->width * 3);
    png_structp png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, (png_voidp)path, on_png_error, on_png_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (row && info)
        rc = write_png(png, info, file, picture, row) ? 0 : -EIO;
    else
        log_error("%s: no memory to write the picture", path);
    png_destroy_write_struct(&png, &info);
    free(row);
    return rc;
}

static int picture_save(const struct vga_picture *picture, const char *path, const char *temporary)
{
    FILE *file = fopen(temporary, "wb");
    if (!file) {
        int rc = -errno;
        log_error("%s: %s", temporary, strerror(errno));
        return rc;
    }
    int rc = picture_write(picture, file, path);
    if (fclose(file) && !rc) {
        rc = -errno;
        log_error("%s: %s", temporary, strerror(errno));
    }
    if (!rc && rename(temporary, path)) {
        rc = -errno;
        log_error("%s: %s", path, strerror(errno));
    }
    if (rc)
        unlink(temporary);
    return rc;
}

int vga_screenshot(struct vga *vga, enum vga_view view, const char *path)
{
    struct vga_picture picture = {0};
    char *temporary = NULL;
    int rc = vga_render(vga, view, &picture);
    if (rc)
        return rc;
    if (asprintf(&temporary, "%s.tmp.%d", path, (int)getpid()) < 0) {
        log_error("%s: no memory for its temporary name", path);
        temporary = NULL;
        rc = -ENOMEM;
    } else {
        rc = picture_save(&picture, path, temporary);
    }
    free(temporary);
    vga_picture_fini(&picture);
    return rc;
}

int vga_write_png(struct vga *vga, enum vga_view view, int fd)
{
    struct vga_picture picture = {0};
    int rc = vga_render(vga, view, &picture);
    if (rc)
        return rc;
    int own = dup(fd);
    FILE *file = own < 0 ? NULL : fdopen(own, "wb");
    rc = file ? picture_write(&picture, file, "the picture") : -errno;
    if (file ? fclose(file) != 0 : own >= 0 && close(own))
        rc = rc ? rc : -errno;
    vga_picture_fini(&picture);
    if (rc)
        log_error("the picture could not be kept: %s", strerror(-rc));
    return rc;
}
