/* Names of 8 + 3 characters for the files of a host directory, as DOS programs expect them: a name that is
 * one of DOS already, in whatever case, is kept in upper case; others lose what DOS does not allow and get a
 * numeric tail
 * ("A long name.text" is ALONGN~1.TEX, as in Windows 95). */
#ifndef HUDDLE_DOS_VOLUME_SHORT_NAME_H
#define HUDDLE_DOS_VOLUME_SHORT_NAME_H

#include "dos/volume/volume.h"

struct short_name {
    const char *host;         /* UTF-8; other bytes are characters that DOS does not allow */
    char dos[DOS_NAME_BYTES]; /* upper case, code page 437; "" if it has none (yet) */
};

/* Gives a name to every item whose `dos` is "", distinct from each other and from those that are there. What
 * they get depends on the set of items only, not on their order: where two ask for one name, that whose host
 * name is first in the order of bytes (so capitals) has it. Sorts the items by host name. Names without end
 * for one stem (10^7) stay "". 0 or -ENOMEM. */
must_check int short_names_assign(struct short_name *items, u32 count);

/* True for CON, NUL, COM1 ...: DOS finds a device under them, whatever extension follows. */
bool short_name_is_device(const char *dos);
/* How a new file of that DOS name is called on the host: in small letters or in capitals, UTF-8. False if it
 * would not get the same name again: devices, and what is no DOS name. At most 3 bytes per character. */
bool short_name_to_host(const char *dos, bool capitals, char host[3 * DOS_NAME_BYTES]);
/* The first `max` characters of a host name that DOS allows in a name, in upper case; `out` has room for a
 * NUL. */
void short_name_words(const char *host, char *out, u32 max);

#endif
