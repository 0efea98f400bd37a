/* ab.css, which meson makes part of huddle. */
#ifndef HUDDLE_REPORT_HTML_STYLE_H
#define HUDDLE_REPORT_HTML_STYLE_H

#include "base/types.h"

extern const u8 html_style[];
extern const u32 html_style_bytes;

#endif
