/* One table: what people write, what it means. */
#include "level.h"

#include <string.h>

static const struct {
    const char *name;
    enum cluster_level level;
} levels[] = {
    {"off", CLUSTER_OFF},
    {"pairs", CLUSTER_PAIRS},
    {"window", CLUSTER_WINDOW},
    {"on", CLUSTER_ON},
};

bool level_parse(const char *name, enum cluster_level *level)
{
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        if (strcmp(levels[i].name, name) == 0) {
            *level = levels[i].level;
            return true;
        }
    }
    return false;
}

const char *level_name(enum cluster_level level)
{
    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        if (levels[i].level == level)
            return levels[i].name;
    return "?";
}
