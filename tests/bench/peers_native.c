/* What two of the programs in guests/bench do, in C: how fast the host itself is at the same work
 * (docs/peers.md).
 *
 *     peers_native cpu|fire FIRST UNITS
 *
 * Does FIRST units of guests/bench/cpu.asm or fire.asm, prints the checksum that the guest comes to, and does
 * UNITS more. The display is memory here, the palette an array. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLAGS = 8192, FLAGS_ROOT = 91, CRC_BYTES = 1024, ROUNDS = 1600 };
enum { WIDTH = 320, ROWS = 200, COLOURS = 128 };
static const uint32_t CRC_POLY = 0xedb88320, SEED = 0x12345678;

/* What the guest has in memory. `dac` is volatile: each write is one. */
struct work {
    uint8_t flags[FLAGS];
    uint8_t pixels[WIDTH * ROWS + 4], display[WIDTH * ROWS];
    volatile uint8_t dac[3 * COLOURS];
    uint32_t unit, sum, seed;
};

/* The macros `mix` and `random` of bench.inc. */
static uint32_t mix(uint32_t sum, uint32_t value)
{
    return (sum << 5 | sum >> 27) + value;
}

static uint32_t next_random(uint32_t *seed)
{
    return *seed = *seed * 1103515245u + 12345u;
}

static uint32_t sieve(uint8_t *flags)
{
    uint32_t primes = 0;
    memset(flags, 1, FLAGS);
    for (uint32_t i = 2; i < FLAGS_ROOT; i++)
        if (flags[i])
            for (uint32_t j = i * i; j < FLAGS; j += i)
                flags[j] = 0;
    for (uint32_t i = 2; i < FLAGS; i++)
        primes += flags[i];
    return primes;
}

static uint32_t crc(const uint8_t *flags, uint32_t unit)
{
    uint32_t value = UINT32_MAX;
    for (uint32_t i = 0; i < CRC_BYTES; i++) {
        value ^= (uint8_t)(flags[i] + unit);
        for (int bit = 0; bit < 8; bit++)
            value = value >> 1 ^ (value & 1 ? CRC_POLY : 0);
    }
    return value;
}

static uint32_t arithmetic(uint32_t a)
{
    for (uint32_t i = ROUNDS; i; i--) {
        a = a * 1664525u + 1013904223u;
        uint64_t wide = (uint64_t)a * i;
        uint32_t mixed = a ^ (uint32_t)(wide >> 32), divisor = i | 0x10001;
        mixed += (uint32_t)wide / divisor;
        mixed ^= (uint32_t)wide % divisor;
        uint32_t product = (uint32_t)(uint16_t)mixed * (uint16_t)i & 0x7fffffff,
                 narrow = (uint16_t)i | 0x8000;
        mixed = (mixed & 0xffff0000) | (uint16_t)(mixed + product / narrow);
        a = mixed + product % narrow;
    }
    return a;
}

static void cpu_unit(struct work *w)
{
    uint32_t primes = sieve(w->flags);
    w->sum = mix(w->sum, arithmetic(crc(w->flags, w->unit) + primes));
}

static uint32_t cpu_sum(const struct work *w)
{
    return w->sum;
}

/* One frame; each row only depends on the one below, as it was. */
static void fire_frame(uint8_t *restrict pixels, uint8_t *restrict display, uint32_t *seed)
{
    for (uint32_t i = 0; i < WIDTH / 4; i++) {
        uint32_t value = next_random(seed);
        memcpy(pixels + WIDTH * (ROWS - 1) + 4 * i, &value, sizeof value);
    }
    for (uint32_t y = 0; y < ROWS - 1; y++) {
        uint8_t *row = pixels + WIDTH * y;
        uint8_t made[WIDTH];
        for (uint32_t x = 0; x < WIDTH; x++) {
            uint32_t mean = ((uint32_t)row[WIDTH + x] + row[WIDTH + x + 1]) / 2;
            made[x] = (uint8_t)(mean - (mean != 0));
        }
        memcpy(row, made, WIDTH);
        memcpy(display + WIDTH * y, made, WIDTH);
    }
}

static void fire_palette(volatile uint8_t *dac, uint32_t unit)
{
    for (uint32_t i = 0; i < COLOURS; i++) {
        dac[3 * i] = (uint8_t)((COLOURS - i) / 2);
        dac[3 * i + 1] = (uint8_t)((unit + i) & 0x3f);
        dac[3 * i + 2] = (uint8_t)((COLOURS - i) & 0x3f);
    }
}

static void fire_unit(struct work *w)
{
    fire_frame(w->pixels, w->display, &w->seed);
    fire_palette(w->dac, w->unit);
    __asm__ volatile("" ::"r"(w) : "memory"); /* each frame is shown */
}

static uint32_t fire_sum(const struct work *w)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < WIDTH * (ROWS - 1); i += 4) {
        uint32_t value;
        memcpy(&value, w->display + i, sizeof value);
        sum = mix(sum, value);
    }
    return sum;
}

static const struct kind {
    const char *name;
    void (*unit)(struct work *w);
    uint32_t (*sum)(const struct work *w);
} kinds[] = {
    {"cpu", cpu_unit, cpu_sum},
    {"fire", fire_unit, fire_sum},
};

static void run(const struct kind *kind, struct work *w, uint32_t units)
{
    for (uint32_t i = 0; i < units; i++) {
        kind->unit(w);
        w->unit++;
    }
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 4 && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(argv[1], kinds[i].name) != 0)
            continue;
        struct work w = {.seed = SEED};
        run(&kinds[i], &w, (uint32_t)strtoul(argv[2], NULL, 10));
        printf("sum=%08X\n", kinds[i].sum(&w));
        run(&kinds[i], &w, (uint32_t)strtoul(argv[3], NULL, 10));
        return 0;
    }
    fprintf(stderr, "usage: peers_native cpu|fire FIRST UNITS\n");
    return 2;
}
