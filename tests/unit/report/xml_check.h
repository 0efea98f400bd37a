/* Is a text well-formed XML, as far as pictures use it? W3C, Extensible Markup Language 1.0: elements nest,
 * attributes are quoted and different, only the five entities, no forbidden characters; and no id is there
 * twice. */
#ifndef HUDDLE_TESTS_XML_CHECK_H
#define HUDDLE_TESTS_XML_CHECK_H

#include "base/types.h"

/* NULL, or what is wrong. */
const char *xml_check(const char *text);
/* How many elements of that name there are. */
u32 xml_count(const char *text, const char *name);

#endif
