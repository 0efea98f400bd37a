/* huddle top: what a guest that runs is doing. */
#include "cmd.h"

#include "top/top.h"

int cmd_top(const struct options *o)
{
    const struct top_options options = {
        .path = o->control ? o->control : o->image, .json = o->json, .once = o->once};
    return top_run(&options) ? STATUS_HOST_ERROR : STATUS_OK;
}
