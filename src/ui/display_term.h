/* --display=term: the text screen in the terminal that huddle runs in. */
#ifndef HUDDLE_UI_DISPLAY_TERM_H
#define HUDDLE_UI_DISPLAY_TERM_H

#include "ui/display.h"

extern const struct display_class term_class;

#endif
