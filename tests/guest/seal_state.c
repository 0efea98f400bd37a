/* Makes the checksum of a state right again, so that a test can get wrong bytes past it: seal_state FILE. */
#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char *argv[])
{
    FILE *file = argc == 2 ? fopen(argv[1], "r+b") : NULL;
    long bytes = file && !fseek(file, 0, SEEK_END) ? ftell(file) : -1;
    u8 *data = bytes > (long)sizeof(u64) ? malloc((size_t)bytes) : NULL;
    rewind(file ? file : stdin);
    if (!data || fread(data, 1, (size_t)bytes, file) != (size_t)bytes)
        return 1;
    u64 hash =
        hash64(data, (size_t)bytes - sizeof hash); /* little-endian, as the state is: huddle needs an x86 */
    if (fseek(file, bytes - (long)sizeof hash, SEEK_SET) || fwrite(&hash, sizeof hash, 1, file) != 1)
        return 1;
    free(data);
    return fclose(file) != 0;
}
