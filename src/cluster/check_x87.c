/* The x87 under the check: the reference works on the real state, the candidate on a copy of it as the run
 * found it. */
#include "cluster/check_impl.h"

#include <string.h>

static void *real_state(const struct check *check, bool write)
{
    const struct cluster_env *env = check->config.env;
    return env->fpu_state(env->opaque, write);
}

static void *reference_state(void *opaque, bool write)
{
    struct check *check = opaque;
    struct x87_image *image = real_state(check, write);
    if (image && !check->x87)
        check->x87_entry = check->x87_candidate = *image;
    check->x87 = image;
    return image;
}

static void *candidate_state(void *opaque, bool write)
{
    struct check *check = opaque;
    (void)write;
    return check->x87 || reference_state(check, false) ? &check->x87_candidate : NULL;
}

/* It may raise an interrupt without an access that the candidate could be told it with. */
static void reference_error(void *opaque, bool on)
{
    struct check *check = opaque;
    const struct cluster_env *env = check->config.env;
    env->fpu_error(env->opaque, on);
    check->comparable = false;
}

static void candidate_error(void *opaque, bool on)
{
    (void)opaque, (void)on; /* the reference has signalled it, or will differ */
}

void check_x87_init(struct check *check)
{
    const struct cluster_env *real = check->config.env;
    if (real->fpu_state) {
        check->reference.env.fpu_state = reference_state;
        check->candidate.env.fpu_state = candidate_state;
    }
    if (real->fpu_error) {
        check->reference.env.fpu_error = reference_error;
        check->candidate.env.fpu_error = candidate_error;
    }
}

bool check_x87_equal(const struct check *check)
{
    return !check->x87 || !memcmp(check->x87, &check->x87_candidate, X87_COMPARED_BYTES);
}

void check_x87_report(const struct check *check)
{
    enum { PER_LINE = 16 };
    FILE *out = check->config.report;
    const u8 *was = (const u8 *)&check->x87_entry, *want = (const u8 *)check->x87;
    const u8 *have = (const u8 *)&check->x87_candidate;
    for (u32 at = 0; at < X87_COMPARED_BYTES; at += PER_LINE) {
        if (!memcmp(want + at, have + at, PER_LINE))
            continue;
        const u8 *const row[] = {was + at, want + at, have + at};
        static const char *const name[] = {"at entry", "reference", "candidate"};
        for (u32 r = 0; r < ARRAY_LEN(row); r++) {
            fprintf(out, "  x87 image, %03x, %-9s ", at, name[r]);
            for (u32 i = 0; i < PER_LINE; i++)
                fprintf(out, " %02x", row[r][i]);
            fprintf(out, "\n");
        }
    }
}
