/* Whether the guest could tell: what is the same, where runs part, what was on the screen. */
#include "report/html_impl.h"

#include "report/number.h"

#include <stdlib.h>
#include <string.h>

/* --- where they part --- */

static void print_bytes(FILE *out, const char *who, const u8 *bytes)
{
    fputs("<tr><th scope=\"row\">", out);
    html_text(out, who);
    fputs("</th><td><code>", out);
    for (u32 i = 0; i < DIFFERENCE_RAM_BYTES; i++)
        fprintf(out, "%s%02x", i ? " " : "", bytes[i]);
    fputs("</code></td></tr>\n", out);
}

static void print_ram(FILE *out, const struct difference *d)
{
    char number[NUMBER_BYTES], caption[96];
    if (!d->ram_located)
        return;
    snprintf(caption, sizeof caption, "%s bytes of memory differ, the first at %08Xh",
             number_format(number, d->ram_differing), d->ram_addr);
    html_table_begin(out, "memory-caption", caption);
    fputs("<thead><tr><td></td><th scope=\"col\">bytes from there on</th></tr></thead>\n<tbody>\n", out);
    print_bytes(out, d->a->variant, d->ram_a);
    print_bytes(out, d->b->variant, d->ram_b);
    fputs("</tbody>\n", out);
    html_table_end(out);
}

static void print_excuses(FILE *out, const struct ab_report *ab)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *memory = open_memstream(&text, &bytes);
    if (!memory)
        return;
    ab_print_excuses(memory, ab);
    if (!fclose(memory) && bytes) {
        fputs("<p>", out);
        html_text(out, text);
        fputs("</p>\n", out);
    }
    free(text);
}

void html_difference(FILE *out, const struct html_report *r)
{
    const struct difference *d = &r->ab->difference;
    char summary[160];
    struct table t;
    if (d->kind == DIFFERENCE_NONE)
        return;
    difference_summary(summary, sizeof summary, d);
    fputs("<p>", out);
    html_textf(out, "%s %s and %s: %s.",
               d->kind == DIFFERENCE_STOPPED ? "Between" : "First difference between", d->a->variant,
               d->b->variant, summary);
    fputs("</p>\n", out);
    if (difference_table_records(&t, d, r->ab->port_name))
        html_table(out, &t,
                   &(struct html_table){
                       .id = "records-caption",
                       .caption = "The accesses before it, the same in both, and the ones that differ",
                       .corner = "run"});
    print_ram(out, d);
    if (difference_table_ends(&t, d))
        html_table(
            out, &t,
            &(struct html_table){.id = "ends-caption", .caption = "How the two runs ended", .corner = "run"});
    print_excuses(out, r->ab);
    if (d->kind == DIFFERENCE_STOPPED)
        fputs("<p>A guest that does not end on its own needs <code>--until-text</code>, "
              "<code>--frames</code> or "
              "<code>--script</code>.</p>\n",
              out);
}

/* --- what is the same --- */

static bool same_picture(const struct run_stats *a, const struct run_stats *b)
{
    return a->frame_hash == b->frame_hash && a->frame_width == b->frame_width &&
           a->frame_height == b->frame_height;
}

static bool same_end(const struct run_stats *a, const struct run_stats *b)
{
    return a->end == b->end && a->status == b->status;
}

#define SAME(field)                                                                                          \
    static bool same_##field(const struct run_stats *a, const struct run_stats *b)                           \
    {                                                                                                        \
        return a->field == b->field;                                                                         \
    }
SAME(stream_count)
SAME(stream_hash)
SAME(interrupts)
SAME(ram_hash)
#undef SAME

/* What the first run left, and whether each of the others left that too. */
static void add_result(struct table *t, const struct ab_report *ab, const char *label, const char *first,
                       bool (*same)(const struct run_stats *a, const struct run_stats *b))
{
    table_row(t, "%s", label);
    table_cell(t, 1, "%s", first);
    for (u32 i = 1; i < ab->n_variants; i++)
        table_cell(t, 1 + i, "%s", same(ab->variant[0], ab->variant[i]) ? "same" : "DIFFERENT");
}

static const char *format_hash(char text[NUMBER_BYTES], u64 hash)
{
    snprintf(text, NUMBER_BYTES, "%016llx", (unsigned long long)hash);
    return text;
}

void html_sameness(FILE *out, const struct html_report *r)
{
    const struct ab_report *ab = r->ab;
    const struct run_stats *s = ab->variant[0];
    char count[NUMBER_BYTES], text[NUMBER_BYTES];
    struct table t;
    table_init(&t, "lllllll");
    table_row(&t, "What the guest can see");
    for (u32 i = 0; i < ab->n_variants; i++)
        table_cell(&t, 1 + i, "%s", ab->variant[i]->variant);
    add_result(&t, ab, "accesses and interrupts", number_format(count, s->stream_count), same_stream_count);
    add_result(&t, ab, "  their order and values", format_hash(text, s->stream_hash), same_stream_hash);
    add_result(&t, ab, "  interrupts taken", number_format(text, s->interrupts), same_interrupts);
    add_result(&t, ab, "last contents of memory", format_hash(text, s->ram_hash), same_ram_hash);
    add_result(&t, ab, "last picture", format_hash(text, s->frame_hash), same_picture);
    snprintf(text, sizeof text, "status %d", s->status);
    add_result(&t, ab, "the way the guest ended", text, same_end);
    table_row(&t, "all of it");
    for (u32 i = 1; i < ab->n_variants; i++)
        table_cell(&t, 1 + i, "%s", ab->variant_same[i] ? "the same" : "DIFFERENT");
    html_table(out, &t, &(struct html_table){.id = "same-caption", .corner = "result"});
    fputs("<p>Hashes are XXH3 of the whole; each run is a process of its own, with the same virtual time at "
          "the same access.</p>\n",
          out);
}

/* --- the screens --- */

static void print_base64(FILE *out, const u8 *data, size_t bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes; i += 3) {
        size_t n = MIN(bytes - i, (size_t)3);
        u32 bits = (u32)data[i] << 16 | (n > 1 ? (u32)data[i + 1] << 8 : 0) | (n > 2 ? data[i + 2] : 0);
        fputc(digits[bits >> 18], out);
        fputc(digits[bits >> 12 & 63], out);
        fputc(n > 1 ? digits[bits >> 6 & 63] : '=', out);
        fputc(n > 2 ? digits[bits & 63] : '=', out);
    }
}

/* A VGA's pixels fill a screen of 4:3, whatever their number. */
static void print_screen(FILE *out, const struct ab_report *ab, const struct html_run *run, u32 i)
{
    const struct run_stats *s = ab->variant[i];
    fputs("<figure>\n<img alt=\"", out);
    html_textf(out, "Last picture of %s, %u by %u pixels", s->variant, s->frame_width, s->frame_height);
    fprintf(out, "\" width=\"640\" height=\"480\"%s src=\"data:image/png;base64,",
            s->frame_width <= 400 ? " class=\"coarse\"" : "");
    print_base64(out, run->picture, run->picture_bytes);
    fputs("\"/>\n<figcaption><strong>", out);
    html_text(out, s->variant);
    fputs("</strong> ", out);
    html_textf(out, "%u \xc3\x97 %u", s->frame_width, s->frame_height);
    if (i && same_picture(s, ab->variant[0]))
        html_textf(out, ", the same as %s", ab->variant[0]->variant);
    if (i && !same_picture(s, ab->variant[0]))
        fputs(", <strong class=\"bad\">another picture</strong>", out);
    fputs("</figcaption>\n", out);
    if (run->text && *run->text) {
        fputs("<details><summary>Its text</summary><pre tabindex=\"0\">", out);
        html_text(out, run->text);
        fputs("</pre></details>\n", out);
    }
    fputs("</figure>\n", out);
}

void html_screens(FILE *out, const struct html_report *r)
{
    bool any = false;
    for (u32 i = 0; i < r->ab->n_variants; i++) {
        if (!r->run[i].picture || !r->ab->variant[i]->frame_width)
            continue;
        fputs(any ? "" : "<div class=\"screens\">\n", out);
        any = true;
        print_screen(out, r->ab, &r->run[i], i);
    }
    fputs(any ? "</div>\n" : "", out);
}
