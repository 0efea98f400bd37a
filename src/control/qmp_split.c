/* See qmp_split.h. A state machine over bytes: it knows strings and brackets, and leaves the rest of JSON
 * (RFC 8259) to the parser. What cannot become a text is refused at the first byte that shows it. */
#include "control/qmp_split.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static enum qmp_cut refuse(struct qmp_split *s, char c, const char **why, const char *text)
{
    s->state = c == '\n' ? QMP_BETWEEN : QMP_SKIP;
    *why = text;
    return QMP_JUNK;
}

static enum qmp_cut open_bracket(struct qmp_split *s, char c, const char **why)
{
    if (s->depth == QMP_DEPTH_MAX)
        return refuse(s, c, why, "JSON parse error, too many levels of nesting");
    s->closing[s->depth++] = c == '{' ? '}' : ']';
    s->state = QMP_NESTED;
    return QMP_MORE;
}

static enum qmp_cut close_bracket(struct qmp_split *s, char c, const char **why)
{
    if (s->closing[s->depth - 1] != c)
        return refuse(s, c, why, "JSON parse error, brackets do not match");
    if (--s->depth)
        return QMP_MORE;
    s->state = QMP_BETWEEN;
    return QMP_WHOLE;
}

static enum qmp_cut take_nested(struct qmp_split *s, char c, const char **why)
{
    switch (c) {
    case '{':
    case '[':
        return open_bracket(s, c, why);
    case '}':
    case ']':
        return close_bracket(s, c, why);
    case '"':
        s->state = QMP_STRING;
        return QMP_MORE;
    case '\0':
        return refuse(s, c, why, "JSON parse error, a zero byte");
    default:
        return QMP_MORE;
    }
}

static enum qmp_cut take_in_string(struct qmp_split *s, char c, const char **why)
{
    if ((u8)c < ' ')
        return refuse(s, c, why, "JSON parse error, a control character in a string");
    if (s->state == QMP_ESCAPE)
        s->state = QMP_STRING;
    else if (c == '\\')
        s->state = QMP_ESCAPE;
    else if (c == '"')
        s->state = QMP_NESTED;
    return QMP_MORE;
}

static enum qmp_cut begin(struct qmp_split *s, char c, const char **why)
{
    s->bytes = s->depth = 0;
    if (is_blank(c))
        return QMP_MORE;
    if (c != '{' && c != '[')
        return refuse(s, c, why, "QMP input must be a JSON object");
    s->text[s->bytes++] = c;
    return open_bracket(s, c, why);
}

static enum qmp_cut take(struct qmp_split *s, char c, const char **why)
{
    switch (s->state) {
    case QMP_BETWEEN:
        return begin(s, c, why);
    case QMP_SKIP:
        s->state = c == '\n' ? QMP_BETWEEN : QMP_SKIP;
        return QMP_MORE;
    default:
        if (s->bytes == QMP_TEXT_MAX)
            return refuse(s, c, why, "JSON parse error, the command is too long");
        s->text[s->bytes++] = c;
        return s->state == QMP_NESTED ? take_nested(s, c, why) : take_in_string(s, c, why);
    }
}

enum qmp_cut qmp_split(struct qmp_split *s, const char **at, size_t *bytes, const char **why)
{
    while (*bytes) {
        char c = *(*at)++;
        --*bytes;
        enum qmp_cut cut = take(s, c, why);
        if (cut != QMP_MORE)
            return cut;
    }
    return QMP_MORE;
}
