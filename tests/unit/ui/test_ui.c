/* Displays without a terminal: characters, keys, colours, typing. */
#include "ui_tests.h"

#include "ui/glyph.h"

#include <stdio.h>
#include <string.h>

static int print_glyphs(void)
{
    for (u32 code = 0; code < 256; code++)
        printf("%x\n", glyph_unicode((u8)code));
    return 0;
}

int main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "--glyphs") == 0)
        return print_glyphs();
    return chord_tests() + glyph_tests() + palette_tests() + typist_tests();
}
