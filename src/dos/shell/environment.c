/* The environment: strings NAME=VALUE in a block of memory of its own, a NUL behind each, one more at the
 * end. */
#include "shell.h"
#include "text.h"

enum { PSP_ENVIRONMENT = 0x2c, ENVIRONMENT_SPARE = 512, ENVIRONMENT_LIMIT = 32768 };

/* Offset of the NUL that ends the block's strings. */
static u16 strings_end(u16 segment, u16 limit)
{
    u16 at = 0;
    while (at + 1 < limit && far_get(segment, at)) {
        while (at + 1 < limit && far_get(segment, at))
            at++;
        at++;
    }
    return at;
}

static u16 psp_environment(void)
{
    u16 segment;
    far_read(segment_own(), PSP_ENVIRONMENT, &segment, 2);
    return segment;
}

bool environment_init(u16 bytes)
{
    u16 old = psp_environment();
    u16 used = old ? strings_end(old, ENVIRONMENT_LIMIT - ENVIRONMENT_SPARE) : 0;
    if (!bytes)
        bytes = used + ENVIRONMENT_SPARE;
    u16 paragraphs = MAX(bytes, used + 2) / 16 + 1;
    u16 wanted = paragraphs;
    u16 new = memory_allocate(&paragraphs);
    shell.environment = old;
    shell.environment_bytes = old ? used + 1 : 0;
    if (!new || paragraphs < wanted) {
        if (new)
            memory_free(new);
        return false;
    }
    for (u16 i = 0; i < used; i++)
        far_put(new, i, far_get(old, i));
    far_put(new, used, 0);
    far_put(new, used + 1, 0);
    far_write(segment_own(), PSP_ENVIRONMENT, &new, 2);
    if (old)
        memory_free(old);
    shell.environment = new;
    shell.environment_bytes = wanted * 16;
    return true;
}

/* Is the string at `at` one of `name`? */
static bool is_named(u16 at, const char *name)
{
    for (; *name; name++, at++) {
        if (char_upper((char)far_get(shell.environment, at)) != char_upper(*name))
            return false;
    }
    return far_get(shell.environment, at) == '=';
}

/* Offset of the string `name`, or -1. */
static s32 string_find(const char *name)
{
    if (!shell.environment_bytes)
        return -1;
    u16 at = 0;
    while (far_get(shell.environment, at)) {
        if (is_named(at, name))
            return at;
        while (far_get(shell.environment, at++))
            ;
    }
    return -1;
}

s32 environment_find(const char *name)
{
    s32 at = string_find(name);
    return at < 0 ? -1 : at + (s32)text_length(name) + 1;
}

bool environment_get(const char *name, char *value, u16 bytes)
{
    s32 at = environment_find(name);
    u16 n = 0;
    if (at >= 0) {
        while (n + 1 < bytes && (value[n] = far_get(shell.environment, at + n)))
            n++;
    }
    value[n] = 0;
    return at >= 0;
}

static void string_remove(u16 at)
{
    u16 end = strings_end(shell.environment, shell.environment_bytes);
    u16 from = at;
    while (far_get(shell.environment, from++))
        ;
    while (from <= end)
        far_put(shell.environment, at++, far_get(shell.environment, from++));
}

bool environment_set(const char *name, const char *value)
{
    if (!shell.environment_bytes)
        return false;
    s32 old = string_find(name);
    if (old >= 0)
        string_remove(old);
    if (!value || !*value)
        return true;
    u16 at = strings_end(shell.environment, shell.environment_bytes);
    u16 name_bytes = text_length(name), value_bytes = text_length(value);
    if (at + name_bytes + value_bytes + 3 > shell.environment_bytes)
        return false;
    for (u16 i = 0; i < name_bytes; i++)
        far_put(shell.environment, at++, char_upper(name[i]));
    far_put(shell.environment, at++, '=');
    far_write(shell.environment, at, value, value_bytes + 1);
    far_put(shell.environment, at + value_bytes + 1, 0);
    return true;
}
