/* Screenshots: a picture as PNG, 8 bits per channel (libpng manual, "Writing PNG files"), or as PPM (ppm(5)). */
#include "dev/vga/vga.h"

#include "base/log.h"
#include "base/output.h"

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

static int write_as_png(const struct vga_picture *picture, FILE *file, const char *path, u8 *row)
{
    int rc = -ENOMEM;
    png_structp png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, (png_voidp)path, on_png_error, on_png_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (info)
        rc = write_png(png, info, file, picture, row) ? 0 : -EIO;
    else
        log_error("%s: no memory to write the picture", path);
    png_destroy_write_struct(&png, &info);
    return rc;
}

static int write_as_ppm(const struct vga_picture *picture, FILE *file, const char *path, u8 *row)
{
    fprintf(file, "P6\n%u %u\n255\n", picture->width, picture->height);
    for (u32 y = 0; y < picture->height; y++) {
        pack_row(picture->pixels + (size_t)y * picture->width, picture->width, row);
        fwrite(row, 3, picture->width, file);
    }
    if (!ferror(file) && !fflush(file))
        return 0;
    int rc = -errno;
    log_error("%s: %s", path, strerror(-rc));
    return rc;
}

static int picture_write(const struct vga_picture *picture, FILE *file, const char *path, enum vga_file file_kind)
{
    u8 *row = malloc((size_t)picture->width * 3 + 1);
    if (!row) {
        log_error("%s: no memory to write the picture", path);
        return -ENOMEM;
    }
    int rc = (file_kind == VGA_FILE_PPM ? write_as_ppm : write_as_png)(picture, file, path, row);
    free(row);
    return rc;
}

int vga_picture_save(const struct vga_picture *picture, const char *path, enum vga_file file_kind)
{
    struct output out;
    int rc = output_open(&out, path);
    if (!rc) {
        int written = picture_write(picture, out.file, path, file_kind);
        rc = output_close(&out, written);
        if (written)
            return rc; /* it has been said why */
    }
    if (rc)
        log_error("%s: %s", path, strerror(-rc));
    return rc;
}

int vga_screenshot(struct vga *vga, enum vga_view view, const char *path)
{
    struct vga_picture picture = {0};
    int rc = vga_render(vga, view, &picture);
    if (!rc)
        rc = vga_picture_save(&picture, path, VGA_FILE_PNG);
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
    rc = file ? picture_write(&picture, file, "the picture", VGA_FILE_PNG) : -errno;
    if (file ? fclose(file) != 0 : own >= 0 && close(own))
        rc = rc ? rc : -errno;
    vga_picture_fini(&picture);
    if (rc)
        log_error("the picture could not be kept: %s", strerror(-rc));
    return rc;
}
