/* Streams and descriptors: text, binary, seeking, renaming, removing, errors; the heap. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main()
{
    int i;
    FILE *f;
    char line[80], *block[20];
    f = fopen("OUT.DAT", "w");
    for (i = 0; i < 300; i++)
        fprintf(f, "line %d\n", i);
    fclose(f);
    f = fopen("OUT.DAT", "r");
    for (i = 0; fgets(line, sizeof line, f); i++)
        ;
    printf("%d lines, the last: %s", i, line);
    fclose(f);
    f = fopen("OUT.DAT", "r");
    fseek(f, 0L, 2);
    printf("%ld bytes\n", ftell(f));
    fseek(f, 70L, 0);
    fread(line, 1, 6, f);
    line[6] = 0;
    printf("at 70: %s\n", line);
    fclose(f);
    if (!fopen("MISSING", "r"))
        printf("MISSING is missing\n");
    unlink("OUT.DAT");
    if (!fopen("OUT.DAT", "r"))
        printf("OUT.DAT too, now\n");
    for (i = 0; i < 20; i++) {
        block[i] = malloc(500);
        if (!block[i])
            printf("no memory\n");
        memset(block[i], i, 500);
    }
    for (i = 0; i < 20; i++)
        if (block[i][0] != i || block[i][499] != i)
            printf("block %d is broken\n", i);
    fprintf(stderr, "to stderr\n");
    exit(3);
}
