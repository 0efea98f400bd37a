/* Command lines, good and bad. */
#include "cli_tests.h"

#include "options.h"
#include "options_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ARGS 12

/* Parses a line split at blanks. */
static enum options_result parse(struct options *o, const char *line, char *why)
{
    static char buffer[4][256];
    static unsigned next;
    char *argv[MAX_ARGS] = {"huddle"}, *text = buffer[next++ % 4];
    int argc = 1;
    snprintf(text, sizeof buffer[0], "%s", line);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
        assert_true(argc < MAX_ARGS);
        argv[argc++] = word;
    }
    why[0] = '\0';
    return options_parse(o, argc, argv, why);
}

static void assert_ok(struct options *o, const char *line)
{
    char why[OPTIONS_WHY_BYTES];
    assert_int_equal(parse(o, line, why), OPTIONS_OK);
}

static void assert_refused(const char *line, const char *expected)
{
    struct options o;
    char why[OPTIONS_WHY_BYTES];
    assert_int_equal(parse(&o, line, why), OPTIONS_USAGE);
    assert_string_equal(why, expected);
}

static void defaults(void **state)
{
    struct options o;
    (void)state;
    assert_ok(&o, "run x.img");
    assert_int_equal(o.command, COMMAND_RUN);
    assert_string_equal(o.image, "x.img");
    assert_int_equal(o.ram_mib, 16);
    assert_int_equal(o.clock, CLOCK_MODE_HOST);
    assert_int_equal(o.exit_port, 0xf4);
    assert_int_equal(o.level, CLUSTER_ON);
    assert_int_equal(o.window, 16);
    assert_int_equal(o.horizon, HORIZON_AUTO);
    assert_int_equal(o.given, 0);
    assert_int_equal(o.executor, EXECUTOR_HOST);
    assert_null(o.serial);
    assert_string_equal(o.boot, "");
    assert_false(o.snapshot);
    assert_ok(&o, "ab x.img");
    assert_int_equal(o.clock, CLOCK_MODE_ACCESS);
    assert_int_equal(o.n_variants, 2);
    assert_string_equal(o.variants[0].name, "off");
    assert_int_equal(o.variants[1].level, CLUSTER_ON);
    assert_false(o.variants[1].own_horizon);
    assert_int_equal(o.n_windows, 4);
    assert_int_equal(o.windows[3], 64);
    assert_ok(&o, "clusters x.img");
    assert_int_equal(o.clock, CLOCK_MODE_ACCESS);
    assert_int_equal(o.top, 10);
    assert_ok(&o, "doctor");
}

static void every_option_takes_its_values(void **state)
{
    struct options o;
    (void)state;
    assert_ok(&o, "run --fda=a --hda=b --hdb=c --boot=ca --snapshot --ram=3072");
    assert_string_equal(o.fda, "a");
    assert_string_equal(o.hda, "b");
    assert_string_equal(o.hdb, "c");
    assert_string_equal(o.boot, "ca");
    assert_true(o.snapshot);
    assert_int_equal(o.ram_mib, 3072);
    assert_ok(&o, "run x --clock=access --exit-port=501 --bios=b --vgabios=v");
    assert_int_equal(o.clock, CLOCK_MODE_ACCESS);
    assert_int_equal(o.exit_port, 0x501);
    assert_string_equal(o.bios, "b");
    assert_string_equal(o.vgabios, "v");
    assert_ok(&o, "run x --exit-port=none --cluster=window --cluster-window=2");
    assert_int_equal(o.exit_port, 0);
    assert_int_equal(o.window, 2);
    assert_ok(&o, "run x --net=user,irq=5,hostfwd=tcp::8080-:80");
    assert_int_equal(o.net.kind, NET_USER);
    assert_int_equal(o.net.irq, 5);
    assert_int_equal(o.net.forward[0].guest_port, 80);
    assert_ok(&o, "ab x --net=echo");
    assert_int_equal(o.net.kind, NET_ECHO);
    assert_ok(&o, "clusters x --net=user --clock=host");
    assert_ok(&o, "run x --cluster=pairs --timeout=1.5 --until-text=A: --frames=70 --script=s");
    assert_int_equal(o.level, CLUSTER_PAIRS);
    assert_int_equal(o.timeout_ns, 1500000000);
    assert_string_equal(o.until_text, "A:");
    assert_int_equal(o.frames, 70);
    assert_string_equal(o.script, "s");
    assert_ok(&o, "run x --display=term");
    assert_string_equal(o.display, "term");
    assert_ok(&o, "run x --load-state=a --save-state b");
    assert_string_equal(o.load_state, "a");
    assert_string_equal(o.save_state, "b");
    assert_ok(&o, "run x --display=none --screenshot=p --serial=stdio --debugcon=d --stats=j");
    assert_string_equal(o.screenshot, "p");
    assert_string_equal(o.serial, "stdio");
    assert_string_equal(o.debugcon, "d");
    assert_string_equal(o.stats, "j");
    assert_ok(&o, "run x --serial=none");
    assert_null(o.serial);
    assert_ok(&o, "ab x --variants=off,pairs,window:8 --windows=2,256 --json=j --html=h");
    assert_int_equal(o.n_variants, 3);
    assert_int_equal(o.variants[2].window, 8);
    assert_int_equal(o.n_windows, 2);
    assert_string_equal(o.json, "j");
    assert_string_equal(o.html, "h");
    assert_ok(&o, "ab x --windows=none");
    assert_int_equal(o.n_windows, 0);
    assert_ok(&o, "run x --cluster=window --cluster-window=1 --dump-clusters=-");
    assert_int_equal(o.window, 1);
    assert_string_equal(o.dump_clusters, "-");
    assert_ok(&o, "clusters x --top=3 --steps --host --cluster=pairs --clock=host --json=j");
    assert_int_equal(o.top, 3);
    assert_true(o.steps && o.host_code);
    assert_int_equal(o.level, CLUSTER_PAIRS);
    assert_int_equal(o.clock, CLOCK_MODE_HOST);
}

static void explaining(void **state)
{
    struct options o;
    (void)state;
    assert_ok(&o, "run x --explain");
    assert_true(o.explain);
    assert_ok(&o, "ab x --explain-svg=e");
    assert_false(o.explain);
    assert_string_equal(o.explain_svg, "e");
}

static void horizons(void **state)
{
    struct options o;
    (void)state;
    assert_ok(&o, "run x --horizon=1");
    assert_int_equal(o.horizon, 1);
    assert_ok(&o, "clusters x --cluster=on --horizon=100000000");
    assert_int_equal(o.horizon, HORIZON_MAX);
    assert_ok(&o, "run x --horizon=inf");
    assert_int_equal(o.horizon, HORIZON_INF);
    assert_ok(&o, "run x --horizon=auto");
    assert_int_equal(o.horizon, HORIZON_AUTO);
    assert_ok(&o, "ab x --variants=off,on,on:2000,on:inf,on:auto --horizon=7");
    assert_int_equal(o.horizon, 7);
    for (u32 i = 1; i < o.n_variants; i++)
        assert_int_equal(o.variants[i].level, CLUSTER_ON);
    assert_false(o.variants[1].own_horizon);
    assert_true(o.variants[2].own_horizon && o.variants[3].own_horizon && o.variants[4].own_horizon);
    assert_int_equal(o.variants[2].horizon, 2000);
    assert_string_equal(o.variants[2].name, "on:2000");
    assert_int_equal(o.variants[3].horizon, HORIZON_INF);
    assert_int_equal(o.variants[4].horizon, HORIZON_AUTO);
}

static void executor_options(void **state)
{
    struct options o;
    (void)state;
    assert_ok(&o, "run x --executor=host --code-cache=2M --perf-map --stress=flush,slow,threshold=2,heat=0");
    assert_int_equal(o.executor, EXECUTOR_HOST);
    assert_int_equal(o.code_cache, 2 * MIB);
    assert_string_equal(o.perf_map, PERF_MAP_DEFAULT);
    assert_int_equal(o.stress_given, BIT(STRESS_FLUSH) | BIT(STRESS_SLOW) | BIT(STRESS_THRESHOLD) | BIT(STRESS_HEAT));
    assert_int_equal(o.stress[STRESS_THRESHOLD], 2);
    assert_int_equal(o.stress[STRESS_HEAT], 0);
    assert_ok(&o, "run --perf-map x --code-cache=65536"); /* the value is never the next word */
    assert_string_equal(o.image, "x");
    assert_int_equal(o.code_cache, 65536);
    assert_ok(&o, "clusters x --perf-map=m --code-cache=1G --stress=heat=5");
    assert_string_equal(o.perf_map, "m");
    assert_int_equal(o.code_cache, 1024u * MIB);
    assert_int_equal(o.stress[STRESS_HEAT], 5);
    assert_ok(&o, "ab x --executor=interp --stress=heat=5");
    assert_int_equal(o.executor, EXECUTOR_INTERP);
    assert_null(o.perf_map);
    assert_int_equal(o.code_cache, 0);
}

static void values_may_stand_apart(void **state)
{
    struct options o;
    (void)state;
    assert_ok(&o, "run --ram 4 x.img --cluster off");
    assert_int_equal(o.ram_mib, 4);
    assert_int_equal(o.level, CLUSTER_OFF);
    assert_string_equal(o.image, "x.img");
    assert_refused("run x.img --ram", "--ram: needs a value: --ram=MiB");
    assert_refused("run x.img --ram --snapshot", "--ram: needs a value: --ram=MiB");
    assert_ok(&o, "run -- --odd-name");
    assert_string_equal(o.image, "--odd-name");
}

/* At least one for every option that takes a value: the test below insists. */
static const struct {
    const char *option, *line, *why;
} junk[] = {
    {"fda", "run x --fda=", "--fda=: the file name must not be empty"},
    {"hda", "run x --hda=", "--hda=: the file name must not be empty"},
    {"hdb", "run x --hdb=", "--hdb=: the file name must not be empty"},
    {"boot", "run x --boot=b", "--boot=b: not one of a, c, ac, ca (a floppy disk, c hard disk)"},
    {"boot", "run x --boot=aca", "--boot=aca: not one of a, c, ac, ca (a floppy disk, c hard disk)"},
    {"snapshot", "run x --snapshot=yes", "--snapshot: takes no value"},
    {"ram", "run x --ram=abc", "--ram=abc: not a number of MiB (2 to 3072)"},
    {"ram", "run x --ram=", "--ram=: not a number of MiB (2 to 3072)"},
    {"ram", "run x --ram=1", "--ram=1: not a number of MiB (2 to 3072)"},
    {"ram", "run x --ram=3073", "--ram=3073: not a number of MiB (2 to 3072)"},
    {"ram", "run x --ram=-16", "--ram=-16: not a number of MiB (2 to 3072)"},
    {"ram", "run x --ram=16M", "--ram=16M: not a number of MiB (2 to 3072)"},
    {"ram", "run x --ram=18446744073709551632",
     "--ram=18446744073709551632: not a number of MiB (2 to 3072)"},
    {"clock", "run x --clock=fast", "--clock=fast: not one of host, access"},
    {"exit-port", "run x --exit-port=xyz",
     "--exit-port=xyz: not a port number in hexadecimal (1 to FFFF) or none"},
    {"exit-port", "run x --exit-port=0",
     "--exit-port=0: not a port number in hexadecimal (1 to FFFF) or none"},
    {"exit-port", "run x --exit-port=10000",
     "--exit-port=10000: not a port number in hexadecimal (1 to FFFF) or none"},
    {"exit-port", "run x --exit-port=0xF4",
     "--exit-port=0xF4: not a port number in hexadecimal (1 to FFFF) or none"},
    {"net", "run x --net=", "--net=: not one of none, echo, user"},
    {"net", "run x --net=tap", "--net=tap: not one of none, echo, user"},
    {"net", "run x --net=echo,irq=4", "--net=echo,irq=4: irq=4: not one of the interrupts 3, 5, 7, 9, 10, 11"},
    {"net", "run x --net=user,hostfwd=tcp::80",
     "--net=user,hostfwd=tcp::80: hostfwd=tcp::80: not tcp:[HOST]:PORT-[GUEST]:PORT or the same with udp, at most 16 of them"},
    {"bios", "run x --bios=", "--bios=: the file name must not be empty"},
    {"vgabios", "run x --vgabios=", "--vgabios=: the file name must not be empty"},
    {"cluster", "run x --cluster=yes", "--cluster=yes: not one of off, pairs, window, on"},
    {"cluster-window", "run x --cluster-window=0",
     "--cluster-window=0: not a number of instructions (1 to 256)"},
    {"cluster-window", "run x --cluster-window=257",
     "--cluster-window=257: not a number of instructions (1 to 256)"},
    {"horizon", "run x --horizon=", "--horizon=: not a number of instructions (1 to 100000000), auto or inf"},
    {"horizon", "run x --horizon=0", "--horizon=0: not a number of instructions (1 to 100000000), auto or inf"},
    {"horizon", "run x --horizon=100000001",
     "--horizon=100000001: not a number of instructions (1 to 100000000), auto or inf"},
    {"horizon", "run x --horizon=never", "--horizon=never: not a number of instructions (1 to 100000000), auto or inf"},
    {"check", "run x --check=yes", "--check: takes no value"},
    {"corpus", "ab --corpus=", "--corpus=: the file name must not be empty"},
    {"corpus", "ab --corpus=l x.img", "x.img: with --corpus, guests are what the list says"},
    {"corpus", "ab --corpus=l --hda=x", "--hda: is for one guest: it belongs into its line in l"},
    {"corpus", "ab --corpus=l --screenshot=x.png", "--screenshot: is for one guest: it belongs into its line in l"},
    {"corpus", "ab --corpus=l -c dir", "--command: is for one guest: it belongs into its line in l"},
    {"jobs", "ab --corpus=l --jobs=0", "--jobs=0: not a number of guests (1 to 1024)"},
    {"jobs", "ab --corpus=l --jobs=1025", "--jobs=1025: not a number of guests (1 to 1024)"},
    {"part", "ab x --part=1/2", "--part: means nothing without --corpus"},
    {"part", "ab --corpus=l --part=3", "--part=3: not K/N, the Kth of N parts (1/1 to 1000000/1000000)"},
    {"part", "ab --corpus=l --part=0/3", "--part=0/3: not K/N, the Kth of N parts (1/1 to 1000000/1000000)"},
    {"part", "ab --corpus=l --part=4/3", "--part=4/3: not K/N, the Kth of N parts (1/1 to 1000000/1000000)"},
    {"part", "ab --corpus=l --part=/3", "--part=/3: not K/N, the Kth of N parts (1/1 to 1000000/1000000)"},
    {"cpu", "bench exits --cpu=-1", "--cpu=-1: not the number of a processor (0 to 1023)"},
    {"cpu", "bench exits --cpu=1024", "--cpu=1024: not the number of a processor (0 to 1023)"},
    {"quick", "bench exits --quick=yes", "--quick: takes no value"},
    {"svg", "bench exits --svg=", "--svg=: the file name must not be empty"},
    {"csv", "bench exits --csv=", "--csv=: the file name must not be empty"},
    {"variants", "ab x --variants=off", "--variants=off: a comparison needs two variants"},
    {"variants", "ab x --variants=off,off", "--variants=off,off: off is there twice"},
    {"variants", "ab x --variants=off,fast",
     "--variants=off,fast: fast: not one of off, pairs, window, on, window:N, on:HORIZON"},
    {"variants", "ab x --variants=off,",
     "--variants=off,: an empty name: not one of off, pairs, window, on, window:N, on:HORIZON"},
    {"variants", "ab x --variants=off,window:0",
     "--variants=off,window:0: window:0: not a number of instructions (1 to 256)"},
    {"variants", "ab x --variants=off,on:",
     "--variants=off,on:: on:: not a number of instructions (1 to 100000000), auto or inf"},
    {"variants", "ab x --variants=off,on:0",
     "--variants=off,on:0: on:0: not a number of instructions (1 to 100000000), auto or inf"},
    {"variants", "ab x --variants=off,on:5,on:5", "--variants=off,on:5,on:5: on:5 is there twice"},
    {"variants", "ab x --variants=off,pairs:2",
     "--variants=off,pairs:2: pairs:2: not one of off, pairs, window, on, window:N, on:HORIZON"},
    {"variants", "ab x --variants=off,on,pairs,window:2,window:3,window:4",
     "--variants=off,on,pairs,window:2,window:3,window:4: more than 5 variants"},
    {"windows", "ab x --windows=8,x", "--windows=8,x: x: not a number of instructions (1 to 256)"},
    {"windows", "ab x --windows=", "--windows=: an empty item: not a number of instructions (1 to 256)"},
    {"windows", "ab x --windows=8,8", "--windows=8,8: 8 is there twice"},
    {"windows", "ab x --windows=2,3,4,5,6,7,8,9,10", "--windows=2,3,4,5,6,7,8,9,10: more than 8 windows"},
    {"timeout", "run x --timeout=soon", "--timeout=soon: not a number of seconds (0.001 to 1000000)"},
    {"timeout", "run x --timeout=0", "--timeout=0: not a number of seconds (0.001 to 1000000)"},
    {"timeout", "run x --timeout=1.", "--timeout=1.: not a number of seconds (0.001 to 1000000)"},
    {"timeout", "run x --timeout=99999999999999999999",
     "--timeout=99999999999999999999: not a number of seconds (0.001 to 1000000)"},
    {"until-text", "run x --until-text=", "--until-text=: the text must not be empty"},
    {"frames", "run x --frames=0", "--frames=0: not a number of frames (1 to 1000000000000)"},
    {"script", "run x --script=", "--script=: the file name must not be empty"},
    {"display", "run x --display=gtk",
     "--display=gtk: not one of none, term (there is no window yet: use --screenshot=FILE.png)"},
    {"load-state", "run x --load-state=", "--load-state=: the file name must not be empty"},
    {"save-state", "run x --save-state=", "--save-state=: the file name must not be empty"},
    {"screenshot", "run x --screenshot=", "--screenshot=: the file name must not be empty"},
    {"serial", "run x --serial=", "--serial=: the file name must not be empty"},
    {"debugcon", "run x --debugcon=", "--debugcon=: the file name must not be empty"},
    {"stats", "run x --stats=", "--stats=: the file name must not be empty"},
    {"json", "ab x --json=", "--json=: the file name must not be empty"},
    {"html", "ab x --html=", "--html=: the file name must not be empty"},
    {"executor", "run x --executor=jit", "--executor=jit: not one of host, interp"},
    {"code-cache", "run x --code-cache=", "--code-cache=: not a size like 16M (64K to 1024M)"},
    {"code-cache", "run x --code-cache=63K", "--code-cache=63K: not a size like 16M (64K to 1024M)"},
    {"code-cache", "run x --code-cache=2G", "--code-cache=2G: not a size like 16M (64K to 1024M)"},
    {"code-cache", "run x --code-cache=16m", "--code-cache=16m: not a size like 16M (64K to 1024M)"},
    {"code-cache", "run x --code-cache=16MB", "--code-cache=16MB: not a size like 16M (64K to 1024M)"},
    {"code-cache", "run x --code-cache=M", "--code-cache=M: not a size like 16M (64K to 1024M)"},
    {"code-cache", "run x --code-cache=17179869185G",
     "--code-cache=17179869185G: not a size like 16M (64K to 1024M)"},
    {"stress", "run x --stress=",
     "--stress=: an empty item: not one of flush, slow, threshold=N, code=BYTES, heat=N"},
    {"stress", "run x --stress=fast",
     "--stress=fast: fast: not one of flush, slow, threshold=N, code=BYTES, heat=N"},
    {"stress", "run x --stress=flu",
     "--stress=flu: flu: not one of flush, slow, threshold=N, code=BYTES, heat=N"},
    {"stress", "run x --stress=slow,flush=1", "--stress=slow,flush=1: flush takes no value"},
    {"stress", "run x --stress=slow,slow", "--stress=slow,slow: slow is there twice"},
    {"stress", "run x --stress=threshold", "--stress=threshold: threshold: not a number of faults (1 to 100)"},
    {"stress", "run x --stress=threshold=0",
     "--stress=threshold=0: threshold=0: not a number of faults (1 to 100)"},
    {"stress", "run x --stress=code=4095",
     "--stress=code=4095: code=4095: not a number of bytes (4096 to 1073741824)"},
    {"stress", "run x --stress=heat=-1", "--stress=heat=-1: heat=-1: not a number of exits (0 to 1000000)"},
    {"command", "run x -c", "--command: needs a value: --command=TEXT"},
    {"mount", "run x --mount=1=y", "--mount=1=y: not a drive (A to Y), '=' and a directory or an image"},
    {"mount", "run x --mount=z=y", "--mount=z=y: not a drive (A to Y), '=' and a directory or an image"},
    {"mount", "run x --mount=d=", "--mount=d=: not a drive (A to Y), '=' and a directory or an image"},
    {"mount", "run x --mount=d=y --mount=D=z", "--mount=D=z: drive D: is given twice"},
    {"autoexec", "run x --autoexec=yes", "--autoexec: takes no value"},
    {"xms", "run x --xms=0", "--xms=0: not a number of KiB (1 to 3145728) or none"},
    {"xms", "run x --xms=all", "--xms=all: not a number of KiB (1 to 3145728) or none"},
    {"ems", "run x --ems=15", "--ems=15: not a number of KiB (16 to 32768) or none"},
    {"ems", "run x --ems=32769", "--ems=32769: not a number of KiB (16 to 32768) or none"},
    {"triple-fault", "run x --triple-fault=loop", "--triple-fault=loop: not one of auto, reset, crash"},
    {"dump-clusters", "run x --dump-clusters=", "--dump-clusters=: the file name must not be empty"},
    {"explain", "run x --explain=yes", "--explain: takes no value"},
    {"explain-svg", "ab x --explain-svg=", "--explain-svg=: the file name must not be empty"},
    {"perf-map", "run x --perf-map=", "--perf-map=: the file name must not be empty"},
    {"once", "top x --once=1", "--once: takes no value"},
    {"control", "run x --control=", "--control=: the file name must not be empty"},
    {"top", "clusters x --top=0", "--top=0: not a number of clusters (1 to 1000000)"},
    {"steps", "clusters x --steps=yes", "--steps: takes no value"},
    {"host", "clusters x --host=yes", "--host: takes no value"},
};

static void junk_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(junk); i++)
        assert_refused(junk[i].line, junk[i].why);
}

static void every_option_has_a_junk_test(void **state)
{
    (void)state;
    for (size_t row = 0; row < option_row_count; row++) {
        bool tested = !option_rows[row].set;
        for (size_t i = 0; i < ARRAY_LEN(junk); i++)
            tested |= strcmp(junk[i].option, option_rows[row].name) == 0;
        if (!tested)
            fail_msg("--%s has no junk test", option_rows[row].name);
    }
}

static void top_takes_one_socket(void **state)
{
    struct options o;
    (void)state;
    assert_ok(&o, "top sock.com --once"); /* not a program with arguments */
    assert_string_equal(o.image, "sock.com");
    assert_true(o.once);
    assert_ok(&o, "top --control=s --json=-");
    assert_string_equal(o.control, "s");
    assert_refused("top", "which guest? 'huddle top PATH', started by 'huddle run --control=PATH'");
    assert_refused("top a b", "b: one guest at a time");
    assert_refused("top a --control=b", "a: --control has named the guest's socket already");
    assert_refused("top a --ram=4", "--ram: only for 'huddle run', not for 'huddle top'");
}

static void hints(void **state)
{
    (void)state;
    assert_refused("run x --rma=4", "--rma: no such option; did you mean --ram?");
    assert_refused("run x --screenshoot=p", "--screenshoot: no such option; did you mean --screenshot?");
    assert_refused("run x --clus=on", "--clus: no such option; did you mean --cluster?");
    assert_refused("run x -ram=4", "-ram: no such option; did you mean --ram?");
    assert_refused("run x --zzzzzz", "--zzzzzz: no such option");
    assert_refused("run x --=4", "--: no such option");
    assert_refused("rum x", "rum: no such command; did you mean 'run'?");
    assert_refused("x.img", "x.img: no such command; did you mean 'huddle run x.img'?");
    assert_refused("frobnicate", "frobnicate: no such command; there are run, ab, clusters, doctor, bench and top");
    assert_refused("--ram=4 run x", "--ram=4: a command comes first: run, ab, clusters, doctor, bench or top");
    assert_refused("", "a command is needed: run, ab, clusters, doctor, bench or top");
}

static void options_of_other_commands(void **state)
{
    (void)state;
    assert_refused("run x --windows=8", "--windows: only for 'huddle ab', not for 'huddle run'");
    assert_refused("run x --json=j", "--json: only for 'huddle ab' and 'huddle clusters'; here it is --stats=FILE");
    assert_refused("ab x --stats=j", "--stats: only for 'huddle run'; here it is --json=FILE");
    assert_refused("clusters x --stats=j", "--stats: only for 'huddle run'; here it is --json=FILE");
    assert_refused("ab x --top=3", "--top: only for 'huddle clusters', not for 'huddle ab'");
    assert_refused("ab x --cluster=on", "--cluster: only for 'huddle run'; here it is --variants=off,on");
    assert_refused("ab x --clock=host",
                   "--clock: 'huddle ab' always runs under --clock=access, or runs could not be compared");
    assert_refused("doctor --ram=4", "--ram: only for 'huddle run', not for 'huddle doctor'");
}

static void contradictions(void **state)
{
    (void)state;
    assert_refused("run", "nothing to run: 'huddle run PROGRAM', DIRECTORY or IMAGE");
    assert_refused("ab --ram=4", "nothing to run: 'huddle ab PROGRAM', DIRECTORY or IMAGE");
    assert_refused("run x y", "y: only one image (x); more drives: --fda, --hda, --hdb");
    assert_refused("doctor x", "x: 'huddle doctor' takes no image");
    assert_refused("bench", "which benchmark: 'huddle bench exits' or 'huddle bench memory'");
    assert_refused("bench x.img", "x.img: no such benchmark; there are exits and memory");
    assert_refused("bench exits memory", "memory: one benchmark at a time");
    assert_refused("run x --ram=4 --ram=8", "--ram: given twice");
    assert_refused("run x --cluster=off --cluster-window=8",
                   "--cluster-window: means nothing with --cluster=off");
    assert_refused("run x --cluster-window=8 --cluster=pairs",
                   "--cluster-window: means nothing with --cluster=pairs");
    assert_refused("run x --cluster-window=8", "--cluster-window: means nothing with --cluster=on");
    assert_refused("run x --cluster=window --horizon=8", "--horizon: means nothing with --cluster=window");
    assert_refused("clusters x --horizon=8 --cluster=pairs", "--horizon: means nothing with --cluster=pairs");
    assert_refused("ab x --variants=off,window,on:8 --horizon=8", "--horizon: none of the --variants uses it");
    assert_refused("ab x --net=user", "--net=user: the host's network would make the runs differ; --net=echo does not");
    assert_refused("run x --clock=access --net=user", "--net=user: only with --clock=host; --net=echo works with both");
    assert_refused("clusters x --cluster=off", "--cluster=off: then there are no clusters to list");
    assert_refused("run x --xms=15297", "--xms=15297: with --ram=16 there are 15296 KiB of extended memory");
    assert_refused("run x --ram=2 --xms=961", "--xms=961: with --ram=2 there are 960 KiB of extended memory");
    assert_refused("run x --executor=interp --code-cache=1M", "--code-cache: means nothing with --executor=interp");
    assert_refused("run x --executor=interp --perf-map", "--perf-map: means nothing with --executor=interp");
    assert_refused("run x --executor=interp --stress=slow", "--stress: with --executor=interp there is only heat=N");
    assert_refused("run x --executor=host --stress=code=4096 --code-cache=1M",
                   "--code-cache: --stress has another size of the code cache");
    assert_refused("ab x --executor=host --perf-map=m",
                   "--perf-map=m: each run of 'huddle ab' is a process of its own: --perf-map");
    assert_refused("ab x --variants=off,pairs --cluster-window=8",
                   "--cluster-window: none of the --variants uses it");
}

static void special_options(void **state)
{
    struct options o;
    char why[OPTIONS_WHY_BYTES];
    (void)state;
    assert_int_equal(parse(&o, "--help", why), OPTIONS_HELP);
    assert_int_equal(o.command, COMMAND_NONE);
    assert_int_equal(parse(&o, "-h", why), OPTIONS_HELP);
    assert_int_equal(parse(&o, "ab --help", why), OPTIONS_HELP);
    assert_int_equal(o.command, COMMAND_AB);
    assert_int_equal(parse(&o, "--version", why), OPTIONS_VERSION);
    assert_int_equal(parse(&o, "run --version", why), OPTIONS_VERSION);
    assert_int_equal(parse(&o, "--man", why), OPTIONS_MAN);
}

static void given(void **state)
{
    struct options o;
    (void)state;
    assert_ok(&o, "run x --ram=16");
    assert_true(options_given(&o, "ram"));
    assert_false(options_given(&o, "boot"));
    assert_false(options_given(&o, "no-such"));
}

/* Long junk must be cut, not written past the end of the message. */
static void long_words(void **state)
{
    static char word[6000];
    char *const argv[] = {"huddle", "run", "x", word, NULL}, *const command[] = {"huddle", word, NULL};
    struct options o;
    struct {
        char why[OPTIONS_WHY_BYTES];
        char guard;
    } message = {.guard = 42};
    (void)state;
    memset(word, 'a', sizeof word - 1);
    assert_int_equal(options_parse(&o, 2, command, message.why), OPTIONS_USAGE);
    word[0] = word[1] = '-';
    assert_int_equal(options_parse(&o, 4, argv, message.why), OPTIONS_USAGE);
    for (size_t row = 0; row < option_row_count; row++) {
        int n = snprintf(word, sizeof word, "--%s=", option_rows[row].name);
        word[n] = ','; /* snprintf's NUL */
        if (option_rows[row].set != NULL && option_rows[row].what == NULL)
            options_parse(&o, 4, argv, message.why);
    }
    assert_int_equal(message.guard, 42);
}

int test_options(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(every_option_takes_its_values),
        cmocka_unit_test(explaining),
        cmocka_unit_test(horizons),
        cmocka_unit_test(executor_options),
        cmocka_unit_test(values_may_stand_apart),
        cmocka_unit_test(junk_values),
        cmocka_unit_test(every_option_has_a_junk_test),
        cmocka_unit_test(top_takes_one_socket),
        cmocka_unit_test(hints),
        cmocka_unit_test(options_of_other_commands),
        cmocka_unit_test(contradictions),
        cmocka_unit_test(special_options),
        cmocka_unit_test(given),
        cmocka_unit_test(long_words),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
