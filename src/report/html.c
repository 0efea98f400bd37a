/* The page: what was gained and whether it can be relied on first, then a section for each question. */
#include "report/html_impl.h"

#include "base/log.h"
#include "base/output.h"
#include "report/html_style.h"
#include "report/number.h"

#include <stdlib.h>
#include <string.h>

static const struct section {
    const char *id, *title;
    bool flow; /* charts and tables beside each other where there is room */
    void (*print)(FILE *out, const struct html_report *report);
} sections[] = {
    {"difference", "What differs", false, html_difference},
    {"same", "What is the same", false, html_sameness},
    {"screens", "Last pictures", false, html_screens},
    {"exits", "Exits", true, html_exits},
    {"timeline", "Over time", true, html_timeline},
    {"origins", "Where exits come from", true, html_origins},
    {"clusters", "Hottest clusters", false, html_clusters},
    {"reasons", "How clustering went", true, html_reasons},
    {"cost", "What exits cost", false, html_cost},
    {"time", "Time of the host", true, html_time},
    {"windows", "Windows", true, html_windows},
};

/* A section's content, made before the list of contents is; NULL: there is none. */
static char *make(const struct section *section, const struct html_report *r)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (!out)
        return NULL;
    section->print(out, r);
    if (fclose(out) || !bytes) {
        free(text);
        return NULL;
    }
    return text;
}

/* --- the top of the page --- */

static void head(FILE *out, const struct html_report *r)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n<meta "
          "charset=\"utf-8\"/>\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
          "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>huddle ab: ",
          out);
    html_text(out, r->ab->guest);
    fputs("</title>\n<style>\n", out);
    fwrite(html_style, 1, html_style_bytes, out);
    fputs("</style>\n</head>\n", out);
}

struct verdict {
    const char *class, *sign, *word;
};

static struct verdict verdict_of(const struct ab_report *ab)
{
    switch (ab->difference.kind) {
    case DIFFERENCE_NONE:
        return (struct verdict){"good", "\xe2\x9c\x93", "Identical"};
    case DIFFERENCE_FAILED:
        return (struct verdict){"bad", "\xe2\x9c\x97", "No result"};
    case DIFFERENCE_STOPPED:
        return (struct verdict){"open", "?", "Not decided"};
    default:
        return (struct verdict){"bad", "\xe2\x9c\x97", "Different"};
    }
}

/* "NOT DECIDED: a and b: ..." without its first words, which are the verdict's. */
static const char *reason_of(const struct ab_report *ab, const char *verdict)
{
    const char *colon = ab->difference.kind == DIFFERENCE_NONE ? NULL : strstr(verdict, ": ");
    return colon ? colon + 2 : verdict;
}

/* With an arrow for "->". */
static void print_gain(FILE *out, const struct ab_report *ab)
{
    char gain[AB_TEXT_BYTES];
    ab_gain_format(gain, sizeof gain, ab);
    char *arrow = strstr(gain, " -> ");
    if (arrow)
        *arrow = '\0';
    html_text(out, gain);
    if (arrow) {
        fputs(" \xe2\x86\x92 ", out);
        html_text(out, arrow + 4);
    }
}

/* What was gained is the headline only if it can be relied on. */
static void print_verdict(FILE *out, const struct ab_report *ab)
{
    char text[AB_TEXT_BYTES];
    struct verdict verdict = verdict_of(ab);
    bool same = ab->difference.kind == DIFFERENCE_NONE;
    ab_verdict_format(text, sizeof text, ab);
    fputs("<h1>", out);
    if (same)
        print_gain(out, ab);
    else
        html_textf(out, "%s: %s", verdict.word, reason_of(ab, text));
    fprintf(out, "</h1>\n<p class=\"verdict %s\"><strong><span aria-hidden=\"true\">%s</span> %s:</strong> ",
            verdict.class, verdict.sign, verdict.word);
    if (same) {
        html_text(out, text);
    } else {
        fputs("what follows compares runs that were not alike. ", out);
        print_gain(out, ab);
    }
    fputs("</p>\n", out);
}

static void card(FILE *out, const char *title, const char *value, const char *more)
{
    fputs("<div><dt>", out);
    html_text(out, title);
    fputs("</dt><dd><b>", out);
    html_text(out, value);
    fputs("</b> ", out);
    html_text(out, more);
    fputs("</dd></div>\n", out);
}

/* How many times less `after` is than `before`, or more. */
static void ratio_card(FILE *out, const char *title, const char *less, u64 before, u64 after,
                       const char *(*format)(char *text, u64 value))
{
    char a[NUMBER_BYTES], b[NUMBER_BYTES], ratio[NUMBER_BYTES], text[3 * NUMBER_BYTES];
    snprintf(text, sizeof text, "%s: %s, not %s", after > before ? "more" : less, format(a, after),
             format(b, before));
    card(out, title, number_format_ratio(ratio, MAX(before, after), MIN(before, after)), text);
}

static void cards(FILE *out, const struct ab_report *ab)
{
    const struct run_stats *first = ab->variant[0], *last = ab->variant[ab->n_variants - 1];
    char avoided[NUMBER_BYTES], runs[NUMBER_BYTES], text[2 * NUMBER_BYTES];
    fputs("<dl class=\"cards\">\n", out);
    ratio_card(out, "Exits", "fewer", first->exits_total, last->exits_total, number_format);
    snprintf(text, sizeof text, "in %s runs of clusters", number_format(runs, last->clusters.runs));
    card(out, "Exits avoided", number_format(avoided, last->clusters.exits_avoided), text);
    ratio_card(out, "Time of the host", "less", first->host_ns_total, last->host_ns_total, number_format_ns);
    ratio_card(out, "Processor time", "less", first->cpu_ns, last->cpu_ns, number_format_ns);
    fputs("</dl>\n", out);
}

static void fact(FILE *out, const char *name, const char *value)
{
    if (!*value)
        return;
    fputs("<div><dt>", out);
    html_text(out, name);
    fputs("</dt><dd>", out);
    html_text(out, value);
    fputs("</dd></div>\n", out);
}

static void facts(FILE *out, const struct html_report *r)
{
    const struct run_stats *s = r->ab->variant[0];
    char time[NUMBER_BYTES], text[192];
    fputs("<dl class=\"facts\">\n", out);
    fact(out, "Guest", r->ab->guest);
    snprintf(text, sizeof text, "%s of its own time; %s", number_format_ns(time, s->virtual_ns), s->end_text);
    fact(out, "It ran", text);
    snprintf(text, sizeof text, "%s%s%u processor%s", r->host.cpu, *r->host.cpu ? ", " : "",
             r->host.processors, r->host.processors == 1 ? "" : "s");
    fact(out, "Host", r->host.processors ? text : r->host.cpu);
    fact(out, "Kernel", r->host.kernel);
    fact(out, "KVM backend", r->ab->backend);
    fact(out, "Executor", s->executor);
    fact(out, "Made", r->host.made);
    fputs("</dl>\n", out);
}

static void contents(FILE *out, char *const content[ARRAY_LEN(sections)])
{
    fputs("<nav aria-label=\"Contents\">\n<ul>\n", out);
    for (u32 i = 0; i < ARRAY_LEN(sections); i++)
        if (content[i])
            fprintf(out, "<li><a href=\"#%s\">%s</a></li>\n", sections[i].id, sections[i].title);
    fputs("</ul>\n</nav>\n", out);
}

void html_print(FILE *out, const struct html_report *r)
{
    char *content[ARRAY_LEN(sections)];
    for (u32 i = 0; i < ARRAY_LEN(sections); i++)
        content[i] = make(&sections[i], r);
    head(out, r);
    fputs("<body>\n<a class=\"skip\" href=\"#report\">To the report</a>\n<header>\n<p "
          "class=\"kicker\">huddle ab</p>\n",
          out);
    print_verdict(out, r->ab);
    cards(out, r->ab);
    facts(out, r);
    fputs("</header>\n", out);
    contents(out, content);
    fputs("<main id=\"report\" tabindex=\"-1\">\n", out);
    for (u32 i = 0; i < ARRAY_LEN(sections); i++) {
        if (!content[i])
            continue;
        fprintf(out, "<section id=\"%s\" aria-labelledby=\"%s-title\">\n<h2 id=\"%s-title\">%s</h2>\n",
                sections[i].id, sections[i].id, sections[i].id, sections[i].title);
        fputs(sections[i].flow ? "<div class=\"flow\">\n" : "", out);
        fputs(content[i], out);
        fputs(sections[i].flow ? "</div>\n</section>\n" : "</section>\n", out);
        free(content[i]);
    }
    fputs("</main>\n<footer>\n<p>Made by huddle ", out);
    html_text(out, r->host.huddle);
    fputs(". An exit is a return of KVM_RUN; one is avoided where code that a cluster executes in huddle "
          "itself touches a device. "
          "Times are the host's, of one run of each variant.</p>\n</footer>\n</body>\n</html>\n",
          out);
}

int html_write(const struct html_report *report, const char *path)
{
    struct output out;
    int rc = output_open(&out, path);
    if (!rc) {
        html_print(out.file, report);
        rc = output_close(&out, 0);
    }
    if (rc)
        log_error("%s: cannot be written: %s", path, strerror(-rc));
    return rc;
}
