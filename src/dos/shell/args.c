/* Words and switches of internal commands. */
#include "shell.h"
#include "text.h"

/* At a '/'. Where to go on, or NULL: complained. */
static char *switch_read(struct args *args, char *text, u32 allowed)
{
    char letter = char_upper(text[1]);
    if (!char_is_letter(letter) || !(allowed & SWITCH(letter))) {
        complain("Invalid switch - /%c", letter ? letter : ' ');
        return NULL;
    }
    args->switches |= SWITCH(letter);
    text += 2;
    text += *text == ':';
    args->value[letter - 'A'] = text;
    while (*text && *text != '/' && !char_is_delimiter(*text))
        text++;
    return text;
}

bool args_parse(struct args *args, char *text, u32 allowed, u16 least, u16 most)
{
    memset(args, 0, sizeof(*args));
    while (*(text = skip_delimiters(text))) {
        char *word = text;
        if (*text == '/') {
            *text = 0; /* ends a word that is right before it */
            if (!(text = switch_read(args, text, allowed)))
                return false;
        } else {
            while (*text && *text != '/' && !char_is_delimiter(*text))
                text++;
            if (args->count == most) {
                *text = 0;
                complain("Too many parameters - %s", word);
                return false;
            }
            args->word[args->count++] = word;
        }
        if (char_is_delimiter(*text))
            *text++ = 0;
    }
    if (args->count < least)
        complain("Required parameter missing");
    return args->count >= least;
}
