/* What all kinds of volumes have in common. */
#include "dos/volume/volume.h"

void volume_close(struct volume *volume)
{
    if (volume->object)
        volume->class->close(volume->object);
    *volume = (struct volume){0};
}
