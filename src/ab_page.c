/* The page of `huddle ab --html`: what the runs left, and the host they ran on. */
#include "ab_page.h"

#include "base/host.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void ab_page_take(struct ab_page *page, u32 i, const struct ab_child *child)
{
    struct html_run *run = &page->run[i];
    size_t bytes;
    run->picture = (u8 *)ab_child_read_page(child, AB_PAGE_PICTURE, &run->picture_bytes);
    run->text = ab_child_read_page(child, AB_PAGE_TEXT, &bytes);
    char *json = ab_child_read_page(child, AB_PAGE_CLUSTERS, &bytes);
    if (json)
        run->clusters = json_loadb(json, bytes, 0, NULL);
    free(json);
}

void ab_page_free(struct ab_page *page)
{
    for (u32 i = 0; i < AB_MAX_VARIANTS; i++) {
        free(page->run[i].picture);
        free(page->run[i].text);
        json_decref(page->run[i].clusters);
    }
}

static void describe_host(struct html_host *host)
{
    time_t now = time(NULL);
    struct tm local;
    *host = (struct html_host){.processors = (u32)MAX(sysconf(_SC_NPROCESSORS_ONLN), 0L),
                               .huddle = HUDDLE_VERSION};
    host_cpu_name(host->cpu, sizeof host->cpu);
    host_kernel_name(host->kernel, sizeof host->kernel);
    if (localtime_r(&now, &local))
        strftime(host->made, sizeof host->made, "%Y-%m-%d %H:%M", &local);
}

int ab_page_write(const struct ab_page *page, const struct ab_report *report, const char *path)
{
    struct html_report html = {.ab = report};
    describe_host(&html.host);
    memcpy(html.run, page->run, sizeof html.run);
    return html_write(&html, path);
}
