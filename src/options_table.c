/* Every option of every command: name, argument, help text, who takes it, and the function that checks its
 * value. */
#include "options_set.h"

#define DEFAULT_WINDOWS "8,16,32,64"

#define FIELD(f)         .offset = offsetof(struct options, f)
#define FILE_OPTION(f)   FIELD(f), .set = option_set_string, .what = "the file name"
#define TEXT_OPTION(f)   FIELD(f), .set = option_set_string, .what = "the text"
#define NUMBER_OPTION(f) FIELD(f), .set = option_set_number

const struct option_row option_rows[] = {
    {"command", "TEXT",
     "have the command interpreter execute this; -c TEXT for short; may be given again; the status is that of the last command",
     COMMAND_GUEST, false, GROUP_DOS, .set = option_add_command, .letter = 'c', .repeats = true},
    {"mount", "D=WHERE",
     "make WHERE, a directory or an image with a FAT file system, drive D:, with :ro behind it for reading only; the program's directory is drive C:",
     COMMAND_GUEST, false, GROUP_DOS, .set = option_add_mount, .repeats = true},
    {"autoexec", NULL, "execute C:\\AUTOEXEC.BAT first", COMMAND_GUEST, false, GROUP_DOS, FIELD(autoexec), .set = option_set_flag},
    {"xms", "KiB|none", "extended memory by XMS, at most; by default all there is above the high memory area", COMMAND_GUEST,
     false, GROUP_DOS, FIELD(xms_kib), .set = option_set_kib, .min = 1, .max = RAM_MIB_MAX * 1024ull, .what = "a number of KiB"},
    {"ems", "KiB|none", "expanded memory, beside --ram (default 8192); without, its page frame becomes upper memory",
     COMMAND_GUEST, false, GROUP_DOS, FIELD(ems_kib), .set = option_set_kib, .min = 16, .max = 32768, .what = "a number of KiB"},

    {"fda", "FILE", "floppy image in drive A:", COMMAND_GUEST, false, GROUP_DISKS, FILE_OPTION(fda)},
    {"hda", "FILE", "hard disk image, drive C:", COMMAND_GUEST, false, GROUP_DISKS, FILE_OPTION(hda)},
    {"hdb", "FILE", "second hard disk image, drive D:", COMMAND_GUEST, false, GROUP_DISKS, FILE_OPTION(hdb)},
    {"boot", "a|c|ac|ca", "order in which drives are tried; by default IMAGE's drive comes first",
     COMMAND_GUEST, false, GROUP_DISKS, .set = option_set_boot},
    {"snapshot", NULL,
     "keep what the guest writes to its disks in memory and forget it at the end; ab always does",
     COMMAND_GUEST, false, GROUP_DISKS, FIELD(snapshot), .set = option_set_flag},

    {"ram", "MiB", "memory, 2 to 3072 MiB (default 16)", COMMAND_GUEST, false, GROUP_MACHINE,
     NUMBER_OPTION(ram_mib), .min = RAM_MIB_MIN, .max = RAM_MIB_MAX, .what = "a number of MiB"},
    {"clock", "host|access",
     "host (default): time follows the host, and the guest's calendar starts at the host's local time. "
     "access: each device access takes one microsecond and nothing else takes time, so runs can be repeated "
     "exactly; the calendar starts on 1994-06-01 at 12:00:00. ab always uses access, clusters does by default",
     COMMAND_RUN | COMMAND_CLUSTERS, false, GROUP_MACHINE, .set = option_set_clock},
    {"exit-port", "HEX",
     "port that ends the guest: a byte n written there gives status n * 2 + 1 (default F4), or none",
     COMMAND_GUEST, false, GROUP_MACHINE, .set = option_set_exit_port},
    {"triple-fault", "auto|reset|crash",
     "what a triple fault does: reset the machine, as on a PC, or end the run with a crash report. auto (default): reset it if the "
     "guest has said before that it wants that, by the CMOS shutdown byte 0Fh or by 1234h at 0040:0072",
     COMMAND_GUEST, false, GROUP_MACHINE, .set = option_set_triple_fault},
    {"net", "none|echo|user[,...]",
     "a network card, an NE2000, and what is at the other end of its wire: echo, a station 10.0.2.2 that answers ARP, ICMP echo and "
     "UDP at fixed times, or user, the host's network, which the guest then reaches as the user who runs huddle does, services on "
     "127.0.0.1 included (10.0.2.2); only with --clock=host. Behind it, separated by commas: io=HEX (default 300), irq=N (default "
     "9), mac=ADDRESS, and for user restrict=on (the guest reaches nothing, but what is forwarded to it) and "
     "hostfwd=tcp:[HOST]:PORT-[GUEST]:PORT, or udp, as often as wanted; without HOST on all addresses of the host, so that other "
     "machines reach the guest too: 127.0.0.1 is this one only",
     COMMAND_GUEST, false, GROUP_MACHINE, .set = option_set_net},
    {"bios", "FILE", "system firmware (default: SeaBIOS, from the package seabios)",
     COMMAND_GUEST | COMMAND_DOCTOR, false, GROUP_MACHINE, FILE_OPTION(bios)},
    {"vgabios", "FILE", "VGA firmware (default: vgabios-isavga.bin, from the package seabios)",
     COMMAND_GUEST | COMMAND_DOCTOR, false, GROUP_MACHINE, FILE_OPTION(vgabios)},

    {"load-state", "FILE",
     "go on from a state that --save-state or a script has saved, with the same images in the drives as they were then: what "
     "is on them is not in it, but for what was written with --snapshot. Memory, firmware, drives and clock must be those it "
     "was saved with",
     COMMAND_RUN, false, GROUP_MACHINE, FILE_OPTION(load_state)},

    {"cluster", "off|pairs|window|on",
     "how far exits are clustered: not at all (off); two exiting instructions at a time (pairs); those in a window of "
     "instructions (window); whole regions of code with their loops and calls, as far as it pays (on, the default)",
     COMMAND_RUN | COMMAND_CLUSTERS, false, GROUP_CLUSTERS, .set = option_set_level},
    {"cluster-window", "N", "with --cluster=window: how many instructions ahead a cluster reaches, 1 (none) to 256 (default 16)",
     COMMAND_GUEST, false, GROUP_CLUSTERS, NUMBER_OPTION(window), .min = 1, .max = CLUSTER_WINDOW_MAX,
     .what = "a number of instructions"},
    {"horizon", "N|auto|inf",
     "with --cluster=on: after how many instructions without a device access KVM gets the guest back, 1 to 100000000; "
     "never (inf); or as this KVM's costs make it (auto, the default)",
     COMMAND_GUEST, false, GROUP_CLUSTERS, .set = option_set_horizon},
    {"executor", "host|interp",
     "what executes clusters: host code made from them (host, the default), or an interpreter",
     COMMAND_GUEST, false, GROUP_CLUSTERS, .set = option_set_executor},
    {"code-cache", "SIZE",
     "memory for host code, 64K to 1024M (default 16M); when it is full, all of it is made anew",
     COMMAND_GUEST, false, GROUP_CLUSTERS, FIELD(code_cache), .set = option_set_size, .min = 64 * KIB,
     .max = CODE_CACHE_MAX, .what = "a size"},
    {"stress", "LIST",
     "for tests, separated by commas: flush (host code made anew at every run of a cluster), slow (no memory "
     "access the fast way), threshold=N (faults after which an access becomes a device access), code=BYTES (a "
     "tiny code cache), heat=N (clusters formed after N exits at a place, not 2)",
     COMMAND_GUEST, false, GROUP_CLUSTERS, .set = option_set_stress},
    {"check", NULL,
     "execute every cluster twice, by the step interpreter and by the executor asked for, and end with status 70 and "
     "a description if they differ; slow",
     COMMAND_GUEST, false, GROUP_CLUSTERS, FIELD(check), .set = option_set_flag},
    {"variants", "LIST",
     "what to compare, 2 to 5 of off, pairs, window, window:N, on and on:HORIZON, separated by commas (default off,on); "
     "the first is what the others are measured against",
     COMMAND_AB, false, GROUP_CLUSTERS, .set = option_set_variants},
    {"windows", "LIST",
     "also run with these windows and show what each gives (default " DEFAULT_WINDOWS
     "), or none: it takes time",
     COMMAND_AB, false, GROUP_CLUSTERS, .set = option_set_windows},

    {"timeout", "SECONDS", "end the guest after that many seconds of the host, with status 124",
     COMMAND_GUEST, false, GROUP_END, FIELD(timeout_ns), .set = option_set_seconds, .min = 1, .max = 1000000,
     .what = "a number of seconds"},
    {"until-text", "TEXT",
     "end with status 0 as soon as the text screen contains TEXT; run prints the screen", COMMAND_GUEST,
     false, GROUP_END, TEXT_OPTION(until_text)},
    {"frames", "N", "end with status 0 after N vertical retraces", COMMAND_GUEST, false, GROUP_END,
     NUMBER_OPTION(frames), .min = 1, .max = 1000000000000, .what = "a number of frames"},
    {"script", "FILE", "type, wait and look as FILE says (see SCRIPTS in the man page)", COMMAND_GUEST, false,
     GROUP_END, FILE_OPTION(script)},

    {"cpu", "N", "the processor to measure on (default: the last that may be used)", COMMAND_BENCH, false, GROUP_BENCH,
     NUMBER_OPTION(cpu), .max = 1023, .what = "the number of a processor"},
    {"quick", NULL, "measure less: a second or two, for a first look and for tests", COMMAND_BENCH, false, GROUP_BENCH, FIELD(quick),
     .set = option_set_flag},

    {"display", "none|term",
     "where the screen is shown and keys come from: nowhere (none), or this terminal (term): text modes are "
     "shown, keys are the guest's but for Ctrl-], after which q ends the guest, s saves a picture, c sends Ctrl-Alt-Del "
     "and Ctrl-] sends itself. With --clock=access what is typed makes runs differ. "
     "The default is term for programs of DOS that are started at a terminal, else none",
     COMMAND_RUN, false, GROUP_OUTPUT, .set = option_set_display},
    {"screenshot", "FILE.png", "write the last picture there; ab: that of the last variant", COMMAND_GUEST,
     false, GROUP_OUTPUT, FILE_OPTION(screenshot)},
    {"save-state", "FILE",
     "write the state of the whole machine at the end, but for the contents of the disk images", COMMAND_RUN, false,
     GROUP_OUTPUT, FILE_OPTION(save_state)},
    {"serial", "stdio|FILE|none", "where COM1 goes (default none)", COMMAND_RUN, false, GROUP_OUTPUT,
     FIELD(serial), .set = option_set_serial, .what = "the file name"},
    {"debugcon", "FILE", "where bytes written to the debug ports E9h and 402h go", COMMAND_RUN, false,
     GROUP_OUTPUT, FILE_OPTION(debugcon)},
    {"stats", "FILE.json", "write what was counted", COMMAND_RUN, false, GROUP_OUTPUT, FILE_OPTION(stats)},
    {"html", "FILE.html",
     "write the whole comparison as a page for a browser, which needs nothing but this file: charts, tables, the hottest "
     "clusters, the last pictures",
     COMMAND_AB, false, GROUP_OUTPUT, FILE_OPTION(html)},
    {"json", "FILE.json", "ab: write the whole comparison; clusters: all clusters, and what was counted; bench: what was measured; "
     "top: what was counted so far, and in a second; - is standard output there",
     COMMAND_AB | COMMAND_CLUSTERS | COMMAND_BENCH | COMMAND_TOP, false, GROUP_OUTPUT, FILE_OPTION(json)},
    {"svg", "FILE.svg", "draw what was measured", COMMAND_BENCH, false, GROUP_OUTPUT, FILE_OPTION(svg)},
    {"csv", "FILE.csv", "write each sample, or each point, on a line", COMMAND_BENCH, false, GROUP_OUTPUT, FILE_OPTION(csv)},
    {"dump-clusters", "FILE|-",
     "list all clusters at the end of the run, as huddle clusters shows them; - is standard output",
     COMMAND_RUN, false, GROUP_OUTPUT, FILE_OPTION(dump_clusters)},
    {"explain", NULL,
     "say what the exits cost, step by step, and whether that adds up to what they are seen to cost: run at the end, on "
     "standard error and in --stats; ab for each variant",
     COMMAND_RUN | COMMAND_AB, false, GROUP_OUTPUT, FIELD(explain), .set = option_set_flag},
    {"explain-svg", "FILE.svg", "the same as a picture: --explain, and bars of the steps of each kind of exit",
     COMMAND_RUN | COMMAND_AB, false, GROUP_OUTPUT, FILE_OPTION(explain_svg)},
    {"control", "PATH",
     "a Unix socket made there, for its owner only, at which QEMU's clients find QMP: look at the guest, stop it, type, take "
     "pictures, end it. top: the socket of the guest to look at",
     COMMAND_RUN | COMMAND_TOP, false, GROUP_OUTPUT, FILE_OPTION(control)},
    {"once", NULL, "look once, print that as text and end; so it is where standard output is no terminal", COMMAND_TOP, false,
     GROUP_OUTPUT, FIELD(once), .set = option_set_flag},
    {"top", "N", "how many clusters to list (default 10)", COMMAND_CLUSTERS, false, GROUP_OUTPUT,
     NUMBER_OPTION(top), .min = 1, .max = 1000000, .what = "a number of clusters"},
    {"steps", NULL, "also list the steps that each instruction was lowered to", COMMAND_CLUSTERS, false,
     GROUP_OUTPUT, FIELD(steps), .set = option_set_flag},
    {"host", NULL, "also list the host code of each instruction", COMMAND_CLUSTERS, false, GROUP_OUTPUT,
     FIELD(host_code), .set = option_set_flag},
    {"perf-map", "FILE",
     "tell perf the clusters in the host code: written to FILE, by default /tmp/perf-PID.map, where perf looks",
     COMMAND_GUEST, false, GROUP_OUTPUT, FIELD(perf_map), .set = option_set_perf_map, .what = "the file name",
     .optional = true},

    {"corpus", "LIST",
     "compare every guest of the file LIST: each line has one, with its options, as on a command line; # begins a comment; "
     "relative paths begin at LIST's directory. Other options hold for all guests unless a line has its own; --windows is none, "
     "--timeout 600, if they are not given. With --json=FILE a line of JSON is appended to FILE for each guest that ends, and a guest "
     "whose result is in FILE already is not run again",
     COMMAND_AB, false, GROUP_CORPUS, FILE_OPTION(corpus)},
    {"jobs", "N",
     "--corpus: run N guests at a time (default: as many as there are processors). Without it: N comparisons run at once, of which "
     "this is one: it keeps its memory to an Nth",
     COMMAND_AB, false, GROUP_CORPUS, NUMBER_OPTION(jobs), .min = 1, .max = 1024, .what = "a number of guests"},
    {"part", "K/N", "--corpus: every Nth guest of LIST, from the Kth on, for N machines", COMMAND_AB, false, GROUP_CORPUS,
     .set = option_set_part},

    {"help", NULL, "say this and end", COMMAND_ALL, false, GROUP_GENERAL},
    {"version", NULL, "print the version and end", COMMAND_ALL, false, GROUP_GENERAL},
    {"man", NULL, "print the man page and end", COMMAND_ALL, true, GROUP_GENERAL},
};
const size_t option_row_count = ARRAY_LEN(option_rows);
_Static_assert(ARRAY_LEN(option_rows) <= 64, "struct options remembers given rows in 64 bits");

const char *const option_group_names[OPTION_GROUPS] = {
    [GROUP_DOS] = "Built-in DOS", [GROUP_DISKS] = "Disks",     [GROUP_MACHINE] = "Machine", [GROUP_CLUSTERS] = "Clusters",
    [GROUP_END] = "When to end", [GROUP_OUTPUT] = "Output",   [GROUP_CORPUS] = "Many guests", [GROUP_BENCH] = "Measuring",
    [GROUP_GENERAL] = "General",
};

const struct command_row command_rows[] = {
    {COMMAND_RUN, "run", "PROGRAM [ARGUMENTS] | DIRECTORY | IMAGE", "run a program or a guest",
     "Runs a program of DOS, PROGRAM.COM, .EXE or .BAT, with its directory as drive C:, in huddle's own DOS; or, with a directory "
     "as drive C:, the commands of -c or a command interpreter. Options come before the program: what follows it is its own. "
     "What programs write through DOS goes to standard output, standard input feeds CON, and the status is the errorlevel.\n\n"
     "Or runs the DOS or VGA guest on the disk image IMAGE until it ends. A file of a floppy's size becomes "
     "drive A:, any other becomes drive C:; the machine boots from it.\n\n"
     "The status of an image's guest is the one it gives through the exit port, (value << 1) | 1; 0 when --until-text, "
     "--frames or the script ended it; 124 after --timeout; 129, 130 or 143 after SIGHUP, Ctrl-C or a termination signal; "
     "70 when the guest crashed; 71 when the host failed; 1 when the script failed; 2 when the command line "
     "is wrong or a file it needs cannot be used."},
    {COMMAND_AB, "ab", "IMAGE", "run a guest clustered and not, and compare",
     "Runs the guest once per variant, each in a process of its own and with the same script, and reports "
     "exits, their causes, what clustering avoided, and whether the guest could tell the difference: device "
     "accesses and interrupts in order, final memory, final picture.\n\n"
     "Disks are opened as with --snapshot, so every variant starts from the same disk and the images stay as "
     "they are. Time is --clock=access, so that runs can be compared at all. A guest that does not end on "
     "its own needs --until-text, --frames or a script.\n\n"
     "With --corpus=LIST it does so for every guest of a list, several at a time, each in a process of its own, so that one that "
     "crashes or hangs is a row of the table; means and worst cases are beneath it. Ctrl-C ends all; what is in the file of "
     "--json stays, and the same command goes on from there.\n\n"
     "The status is 0 only if every variant (of every guest) ended in the same way and nothing differs; 1 if something does, or a "
     "guest of a list could not be compared; 130 after Ctrl-C; 71 when the host failed; 2 when the command line is wrong or a file it needs cannot be used."},
    {COMMAND_CLUSTERS, "clusters", "IMAGE", "run a guest and show its clusters",
     "Runs the guest as run does, until it ends, is interrupted or --timeout is over, and lists the clusters that "
     "avoided most exits. For each: where it is entered, how often it ran, why it was left, and its instructions "
     "with the exits they made in KVM, the exits they avoided in the cluster, and their class. Strongly exiting "
     "instructions (strong) always exit; weakly exiting ones (weak) access memory and exit where that is a device; "
     "gap fillers (filler) never do. Branches inside the cluster come to the lines marked >.\n\n"
     "With --cluster=on it is regions that are listed. They follow each other, so only the runs that began in one are "
     "counted; and code is interpreted before there is a region: what it did then is counted as outside, whether it was "
     "an exit or not.\n\n"
     "Disks are opened as with --snapshot. A guest that does not end on its own needs --until-text, --frames, a "
     "script or --timeout.\n\n"
     "The status is 0 if there is a listing, however the guest ended; 71 when the host failed; 2 when the command "
     "line is wrong or a file it needs cannot be used."},
    {COMMAND_BENCH, "bench", "exits|memory", "measure what exits and memory of guests cost here",
     "exits: runs a few instructions of a guest that exit, thousands of times, kind by kind: to the kernel and back (CPUID, a "
     "hypercall, coalesced writes), to userspace and back (ports, device memory, strings, HLT, the interrupt window, an injected "
     "interrupt), and the ioctls beside them. Each in real mode, as DOS guests run, and in 64-bit mode; on one processor "
     "(--cpu), and on any. The control, the same loop without an exit, is subtracted; percentiles, not means. What this KVM does "
     "not have is said to be missing. At the end a bare loop of KVM_RUN in a machine of its own says whether the samples can be believed.\n\n"
     "memory: follows lists of 1 KiB to 256 MiB, in order and in random order, in this process and in guests: with small pages "
     "and with huge pages, in 64-bit mode, where addresses are translated twice, in 32-bit mode without paging, in KVM and in "
     "huddle's regions. The difference is what memory costs a guest.\n\n"
     "The status is 0 if it was measured; 71 when the host failed, as it does without KVM; 2 when the command line is wrong or a file "
     "cannot be written."},
    {COMMAND_DOCTOR, "doctor", NULL, "look whether huddle can run here",
     "Says whether /dev/kvm is there and may be used, what kind of KVM it is, what an exit costs, which "
     "firmware is found, and what to do about each problem. The status is 0 if huddle can run, else 1."},
    {COMMAND_TOP, "top", "PATH", "watch a guest that runs",
     "Shows what a guest does that was started with 'huddle run --control=PATH': once a second its exits and where they come "
     "from, what clustering avoids, how fast it is. Keys: c switches clustering on and off, space stops the guest and lets it "
     "go on, s takes a screenshot, q leaves.\n\n"
     "The status is 0, also when the guest ends meanwhile; 71 when there is no guest at PATH, or it is gone without a word; 2 when "
     "the command line is wrong."},
};
const size_t command_row_count = ARRAY_LEN(command_rows);
