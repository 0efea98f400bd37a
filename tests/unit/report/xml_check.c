/* See xml_check.h. */
#include "xml_check.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 32, NAME_MAX_BYTES = 64, IDS_MAX = 512 };

struct checker {
    const char *at;
    u32 depth;
    char open[DEPTH_MAX][NAME_MAX_BYTES];
    u32 ids;
    char id[IDS_MAX][NAME_MAX_BYTES];
};

static bool read_name(struct checker *c, char name[NAME_MAX_BYTES])
{
    size_t n = 0;
    while (isalnum((unsigned char)c->at[n]) || (c->at[n] && strchr("-_:", c->at[n])))
        n++;
    if (!n || n >= NAME_MAX_BYTES)
        return false;
    snprintf(name, NAME_MAX_BYTES, "%.*s", (int)n, c->at);
    c->at += n;
    return true;
}

static const char *check_character(struct checker *c)
{
    static const char *const entities[] = {"&lt;", "&gt;", "&amp;", "&quot;", "&apos;"};
    if (*c->at == '<')
        return "a '<' in text";
    if ((unsigned char)*c->at < ' ' && !strchr("\t\n\r", *c->at))
        return "a control character";
    if (*c->at != '&') {
        c->at++;
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_LEN(entities); i++) {
        if (strncmp(c->at, entities[i], strlen(entities[i])) == 0) {
            c->at += strlen(entities[i]);
            return NULL;
        }
    }
    return "a bare '&'";
}

static const char *check_id(struct checker *c, const char *value, size_t n)
{
    if (n >= NAME_MAX_BYTES || c->ids == IDS_MAX)
        return "too many or too long ids";
    for (u32 i = 0; i < c->ids; i++)
        if (strlen(c->id[i]) == n && strncmp(c->id[i], value, n) == 0)
            return "an id is there twice";
    snprintf(c->id[c->ids++], NAME_MAX_BYTES, "%.*s", (int)n, value);
    return NULL;
}

static const char *check_attributes(struct checker *c)
{
    char names[16][NAME_MAX_BYTES];
    u32 n = 0;
    while (isspace((unsigned char)*c->at)) {
        c->at += strspn(c->at, " \n\t");
        if (*c->at == '>' || *c->at == '/')
            return NULL;
        if (n == ARRAY_LEN(names) || !read_name(c, names[n]))
            return "not an attribute";
        for (u32 i = 0; i < n; i++)
            if (strcmp(names[i], names[n]) == 0)
                return "an attribute is there twice";
        if (strncmp(c->at, "=\"", 2) != 0)
            return "an attribute without a quoted value";
        c->at += 2;
        const char *value = c->at, *wrong = NULL;
        while (!wrong && *c->at && *c->at != '"')
            wrong = check_character(c);
        if (wrong || !*c->at)
            return wrong ? wrong : "an attribute does not end";
        if (strcmp(names[n], "id") == 0 && (wrong = check_id(c, value, (size_t)(c->at - value))))
            return wrong;
        c->at++;
        n++;
    }
    return NULL;
}

static const char *check_tag(struct checker *c)
{
    char name[NAME_MAX_BYTES];
    bool end = *c->at == '/';
    c->at += end;
    if (!read_name(c, name))
        return "not a tag";
    if (end) {
        if (!c->depth || strcmp(c->open[c->depth - 1], name) != 0 || *c->at != '>')
            return "an end tag without its beginning";
        c->depth--;
        c->at++;
        return NULL;
    }
    const char *wrong = check_attributes(c);
    if (wrong)
        return wrong;
    if (strncmp(c->at, "/>", 2) == 0) {
        c->at += 2;
        return NULL;
    }
    if (*c->at != '>' || c->depth == DEPTH_MAX)
        return "a tag does not end";
    c->at++;
    memcpy(c->open[c->depth++], name, sizeof name);
    return NULL;
}

const char *xml_check(const char *text)
{
    struct checker c = {.at = text};
    bool root = false;
    while (*c.at) {
        const char *wrong;
        if (*c.at == '<') {
            if (!c.depth && root)
                return "more than one root";
            root = true;
            c.at++;
            wrong = check_tag(&c);
        } else if (!c.depth && !isspace((unsigned char)*c.at)) {
            return "text outside of the root";
        } else {
            wrong = check_character(&c);
        }
        if (wrong)
            return wrong;
    }
    return c.depth ? "an element does not end" : root ? NULL : "nothing there";
}

u32 xml_count(const char *text, const char *name)
{
    char tag[NAME_MAX_BYTES];
    u32 n = 0;
    size_t bytes = (size_t)snprintf(tag, sizeof tag, "<%s", name);
    for (const char *at = strstr(text, tag); at; at = strstr(at + 1, tag))
        n += strchr(" />\n", at[bytes]) != NULL;
    return n;
}
