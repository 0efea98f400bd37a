/* Recursion, sorting, formats, long arithmetic, arguments, a status. K&R C: what bcc takes without a preprocessor for more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(a, b) int *a; int *b;
{
    return *b - *a; /* elks-libc sorts so */
}

int ackermann(m, n) int m; int n;
{
    return !m ? n + 1 : !n ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

int main(argc, argv) int argc; char **argv;
{
    int i, v[20];
    long l = 1;
    printf("%d arguments: %s %s\n", argc - 1, argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : "");
    for (i = 0; i < 20; i++)
        v[i] = i * 79 % 101;
    qsort(v, 20, sizeof v[0], compare);
    for (i = 0; i < 20; i++)
        printf("%d ", v[i]);
    for (i = 1; i < 13; i++)
        l *= i;
    printf("\n%d %ld %x %5s|%-5s|%c %03d\n", ackermann(2, 3), l, 0xbeef, "ab", "cd", 'z', 7);
    return 7;
}
