/* A picture: its frame with styles and what it is called, and text, whose width nobody knows before it is
 * drawn. */
#include "report/svg_impl.h"

#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Each rule begins with the picture's id: styles inside of HTML are the page's. */
static const char *const style_rules[] = {
    "font:13px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;color-scheme:light dark",
};

static const char *const light_colours[SVG_COLOURS] = {"#0072b2", "#d55e00", "#008764", "#b4508c",
                                                       "#b87a00", "#3d9bd6", "#6b6b6b"};
static const char *const dark_colours[SVG_COLOURS] = {"#56b4e9", "#ff8a47", "#2fcb9e", "#e79fc9",
                                                      "#f0b429", "#a5d4f5", "#b4b4b4"};

static const struct {
    const char *selector, *rule;
} styles[] = {
    {"text", "fill:var(--ink)"},
    {".h", "font-weight:600;font-size:15px"},
    {".t", "fill:var(--dim);font-size:12px"},
    {".v", "fill:var(--dim);font-size:12px;font-variant-numeric:tabular-nums"},
    {".g", "stroke:var(--grid);stroke-width:1;fill:none"},
    {".a", "stroke:var(--dim);stroke-width:1;fill:none"},
    {".l", "stroke-width:2;fill:none;stroke-linejoin:round"},
    {".d", "stroke-dasharray:6 4"},
    {".paper", "fill:var(--paper)"},
    {".e", "stroke:var(--paper);stroke-width:1"},
    {".m", "stroke:var(--ink);stroke-width:2"},
};

static void print_colours(FILE *out, const char *id, const char *const colour[SVG_COLOURS],
                          const char *others)
{
    fprintf(out, "#%s{%s", id, others);
    for (int i = 0; i < SVG_COLOURS; i++)
        fprintf(out, ";--c%d:%s", i, colour[i]);
    fputs("}\n", out);
}

static void print_style(FILE *out, const char *id)
{
    fputs("<style>\n", out);
    fprintf(out, "#%s{%s}\n", id, style_rules[0]);
    print_colours(out, id, light_colours, "--ink:#1b1b1b;--dim:#555;--grid:#e1e1e1;--paper:#fff");
    fputs("@media (prefers-color-scheme:dark){", out);
    print_colours(out, id, dark_colours, "--ink:#eee;--dim:#adadad;--grid:#393939;--paper:#161616");
    fputs("}\n", out);
    for (size_t i = 0; i < ARRAY_LEN(styles); i++)
        fprintf(out, "#%s %s{%s}\n", id, styles[i].selector, styles[i].rule);
    for (int i = 0; i < SVG_COLOURS; i++)
        fprintf(out, "#%s .f%d{fill:var(--c%d)}\n#%s .s%d{stroke:var(--c%d)}\n", id, i, i, id, i, i);
    fputs("</style>\n", out);
}

struct svg *svg_create(const char *id, const char *title, const char *description)
{
    struct svg *svg = calloc(1, sizeof *svg);
    if (!svg)
        return NULL;
    size_t n = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
    snprintf(svg->id, sizeof svg->id, "%.*s", (int)MIN(n, sizeof svg->id - 1), id);
    svg->title = strdup(title);
    svg->description = strdup(description);
    svg->body = open_memstream(&svg->text, &svg->bytes);
    svg->height = 8;
    if (svg->title && svg->description && svg->body)
        return svg;
    free(svg->title);
    free(svg->description);
    if (svg->body)
        fclose(svg->body);
    free(svg->text);
    free(svg);
    return NULL;
}

static void print_text_element(FILE *out, const char *name, const char *id, const char *text)
{
    fprintf(out, "<%s id=\"%s-%s\">", name, id, name);
    svg_escape(out, text);
    fprintf(out, "</%s>\n", name);
}

int svg_finish(struct svg *svg, FILE *out)
{
    int rc = ferror(svg->body) ? -ENOMEM : 0;
    if (fclose(svg->body))
        rc = -ENOMEM;
    if (!rc) {
        fprintf(out,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" id=\"%s\" viewBox=\"0 0 %d %.0f\" role=\"img\" "
                "aria-labelledby=\"%s-title %s-desc\">\n",
                svg->id, SVG_WIDTH, svg->height, svg->id, svg->id);
        print_text_element(out, "title", svg->id, svg->title);
        print_text_element(out, "desc", svg->id, svg->description);
        print_style(out, svg->id);
        fprintf(out, "<rect class=\"paper\" width=\"%d\" height=\"%.0f\"/>\n", SVG_WIDTH, svg->height);
        fwrite(svg->text, 1, svg->bytes, out);
        fputs("</svg>\n", out);
        rc = ferror(out) ? -EIO : 0;
    }
    free(svg->text);
    free(svg->title);
    free(svg->description);
    free(svg);
    return rc;
}

int svg_finish_file(struct svg *svg, const char *path)
{
    FILE *out = fopen(path, "w");
    int open_error = errno;
    if (!out) {
        FILE *nowhere = fopen("/dev/null", "w");
        if (nowhere) {
            int ignored = svg_finish(svg, nowhere);
            (void)ignored;
            fclose(nowhere);
        }
        log_error("%s: %s", path, strerror(open_error));
        return -open_error;
    }
    int rc = svg_finish(svg, out);
    if (fclose(out) && !rc)
        rc = -errno;
    if (rc)
        log_error("%s: %s", path, strerror(-rc));
    return rc;
}

/* The bytes of the character that begins there, 0 if it is not UTF-8. */
static size_t utf8_length(const u8 *s)
{
    static const struct {
        u8 mask, lead;
        u32 least;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t n = 0; n < ARRAY_LEN(forms); n++) {
        if ((s[0] & forms[n].mask) != forms[n].lead)
            continue;
        u32 code = s[0] & ~(u32)forms[n].mask;
        for (size_t i = 1; i <= n; i++) {
            if ((s[i] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (s[i] & 0x3f);
        }
        bool allowed = code >= forms[n].least && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) &&
                       code != 0xfffe && code != 0xffff;
        return allowed ? n + 1 : 0;
    }
    return 0;
}

void svg_escape(FILE *out, const char *text)
{
    for (const u8 *s = (const u8 *)text; *s;) {
        size_t n = utf8_length(s);
        if (!n || (*s < ' ' && *s != '\t' && *s != '\n'))
            fputc('?', out);
        else if (*s == '<')
            fputs("&lt;", out);
        else if (*s == '>')
            fputs("&gt;", out);
        else if (*s == '&')
            fputs("&amp;", out);
        else if (*s == '"')
            fputs("&quot;", out);
        else
            fwrite(s, 1, n, out);
        s += MAX(n, (size_t)1);
    }
}

static double width_of(const char *text, size_t bytes)
{
    double width = 0;
    for (size_t i = 0; i < bytes; i++) {
        u8 c = (u8)text[i];
        if ((c & 0xc0) == 0x80)
            continue;
        width += strchr(" .,:;'|!ijlIft()[]", c) ? 0.36
                 : strchr("mwMW@%", c)           ? 0.92
                 : c >= 'A' && c <= 'Z'          ? 0.7
                                                 : 0.59;
    }
    return width * SVG_FONT;
}

double svg_text_width(const char *text)
{
    return width_of(text, strlen(text));
}

void svg_text_at(struct svg *svg, const char *class, const char *anchor, double x, double y, const char *text)
{
    fprintf(svg->body, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\"", class, x, y);
    if (strcmp(anchor, "start") != 0)
        fprintf(svg->body, " text-anchor=\"%s\"", anchor);
    fputc('>', svg->body);
    svg_escape(svg->body, text);
    fputs("</text>\n", svg->body);
}

/* How many bytes of `text` fit into one line: whole words, at least one. */
static size_t line_bytes(const char *text, double width)
{
    size_t fit = strcspn(text, " ");
    for (size_t end = fit; text[end];) {
        end += 1 + strcspn(text + end + 1, " ");
        if (width_of(text, end) > width)
            break;
        fit = end;
    }
    return fit;
}

void svg_paragraph(struct svg *svg, const char *class, double x, double width, const char *text)
{
    text += strspn(text, " ");
    while (*text) {
        size_t n = line_bytes(text, width);
        char *line = strndup(text, n);
        if (!line)
            return;
        svg_text_at(svg, class, "start", x, svg->height + SVG_FONT, line);
        free(line);
        svg->height += SVG_LINE;
        text += n;
        text += strspn(text, " ");
    }
}

void svg_add_text(struct svg *svg, const char *text)
{
    svg_paragraph(svg, "t", 8, SVG_WIDTH - 16, text);
    svg->height += SVG_GAP / 2;
}
