/* The list of displays. */
#include "ui/display.h"

#include "ui/display_term.h"

#include <string.h>

const struct display_class *display_find(const char *name)
{
    static const struct display_class *const classes[] = {&term_class};
    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        if (strcmp(classes[i]->name, name) == 0)
            return classes[i];
    return NULL;
}
