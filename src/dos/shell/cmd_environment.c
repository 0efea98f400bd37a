/* SET, PATH, PROMPT. */
#include "shell.h"
#include "text.h"

static int set(const char *name, const char *value)
{
    return environment_set(name, value) ? 0 : complain("Out of environment space");
}

static void show_all(void)
{
    u16 at = 0;
    char c;
    while (shell.environment_bytes && far_get(shell.environment, at)) {
        while ((c = far_get(shell.environment, at++)))
            out_char(c);
        out("\n");
    }
}

int cmd_set(char *args)
{
    args = skip_blanks(args);
    if (!*args) {
        show_all();
        return 0;
    }
    char *value = args;
    while (*value && *value != '=')
        value++;
    if (!*value || value == args)
        return complain("Syntax error");
    *value++ = 0;
    return set(args, value);
}

int cmd_path(char *args)
{
    if (!*skip_blanks(args)) {
        s32 at = environment_find("PATH");
        char c;
        if (at < 0) {
            out("No Path\n");
            return 0;
        }
        out("PATH=");
        while ((c = far_get(shell.environment, at++)))
            out_char(c);
        out("\n");
        return 0;
    }
    char *value = args;
    while (char_is_blank(*value) || *value == '=')
        value++;
    if (*value == ';' && !*skip_delimiters(value))
        *value = 0;
    for (char *c = value; *c; c++)
        *c = char_upper(*c);
    return set("PATH", value);
}

int cmd_prompt(char *args)
{
    return set("PROMPT", skip_delimiters(args));
}
