/* --help and the man page, both from the option table. */
#include "options.h"

#include "options_table.h"

#include <string.h>

#define HELP_COLUMNS 80
#define HELP_INDENT  26 /* where the explanations begin */

/* Prints words of `text` up to `len`, wrapped, every line after the first indented. `column` is where the
 * cursor stands. */
static void print_wrapped(FILE *out, const char *text, size_t len, u32 indent, u32 column)
{
    const char *end = text + len;
    bool first = true;
    while (text < end) {
        size_t word = strcspn(text, " \n");
        word = MIN(word, (size_t)(end - text));
        if (!first && column + 1 + word > HELP_COLUMNS) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
            first = true;
        }
        fprintf(out, "%s%.*s", first ? "" : " ", (int)word, text);
        column += (u32)word + !first;
        first = false;
        text += word;
        while (text < end && (*text == ' ' || *text == '\n'))
            text++;
    }
    fputc('\n', out);
}

static void print_paragraphs(FILE *out, const char *text)
{
    while (text) {
        const char *next = strstr(text, "\n\n");
        print_wrapped(out, text, next ? (size_t)(next - text) : strlen(text), 0, 0);
        fputc('\n', out);
        text = next ? next + 2 : NULL;
    }
}

static void print_option(FILE *out, const struct option_row *row)
{
    int column = fprintf(out, "  --%s%s%s%s%s", row->name, row->optional ? "[" : "", row->metavar ? "=" : "",
                         row->metavar ? row->metavar : "", row->optional ? "]" : "");
    if (column > HELP_INDENT - 2) {
        fputc('\n', out);
        column = 0;
    }
    fprintf(out, "%*s", HELP_INDENT - column, "");
    print_wrapped(out, row->help, strlen(row->help), HELP_INDENT, HELP_INDENT);
}

static bool group_used(enum option_group group, enum command command)
{
    for (size_t i = 0; i < option_row_count; i++)
        if (option_rows[i].group == group && (option_rows[i].commands & command) && !option_rows[i].hidden)
            return true;
    return false;
}

static void print_group(FILE *out, enum option_group group, enum command command)
{
    if (!group_used(group, command))
        return;
    fprintf(out, "%s:\n", option_group_names[group]);
    for (size_t i = 0; i < option_row_count; i++)
        if (option_rows[i].group == group && (option_rows[i].commands & command) && !option_rows[i].hidden)
            print_option(out, &option_rows[i]);
    fputc('\n', out);
}

static void print_program_help(FILE *out)
{
    fprintf(out, "usage: huddle COMMAND [options] [IMAGE]\n\n");
    print_paragraphs(
        out, "Runs legacy DOS and VGA guests on Linux KVM, with their exits clustered: when the guest "
             "touches a device, huddle executes what follows as well, so that several accesses cost "
             "one exit.");
    fprintf(out, "Commands:\n");
    for (size_t i = 0; i < command_row_count; i++)
        fprintf(out, "  %-10s%s\n", command_rows[i].name, command_rows[i].summary);
    fprintf(out, "\n'huddle COMMAND --help' explains a command, 'man huddle' everything.\n");
}

void help_print(FILE *out, enum command command)
{
    if (command == COMMAND_NONE) {
        print_program_help(out);
        return;
    }
    for (size_t i = 0; i < command_row_count; i++) {
        const struct command_row *row = &command_rows[i];
        if (row->command != command)
            continue;
        fprintf(out, "usage: huddle %s [options]%s%s\n\n", row->name, row->argument ? " " : "",
                row->argument ? row->argument : "");
        print_paragraphs(out, row->text);
    }
    for (int group = 0; group < OPTION_GROUPS; group++)
        print_group(out, (enum option_group)group, command);
}

/* Text for roff: hyphens that are typed as such, backslashes, dots and quotes at the start of a line. */
static void man_text(FILE *out, const char *text)
{
    bool line_start = true;
    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            fputs("\\&", out);
        line_start = *text == '\n';
        if (*text == '-')
            fputs("\\-", out);
        else if (*text == '\\')
            fputs("\\e", out);
        else if (strncmp(text, "\n\n", 2) == 0 && text++)
            fputs("\n.PP\n", out);
        else
            fputc(*text, out);
    }
    fputc('\n', out);
}

/* Which commands take it, if not all that run guests do. */
static void man_commands(FILE *out, const struct option_row *row)
{
    const char *separator = "(";
    if ((row->commands & COMMAND_GUEST) == COMMAND_GUEST)
        return;
    for (size_t i = 0; i < command_row_count; i++) {
        if (!(row->commands & command_rows[i].command))
            continue;
        fprintf(out, "%s\\fBhuddle %s\\fP", separator, command_rows[i].name);
        separator = ", ";
    }
    fputs(" only)\n", out);
}

static void man_option(FILE *out, const struct option_row *row)
{
    fputs(".TP\n.B \\-\\-", out);
    for (const char *p = row->name; *p; p++)
        fputs(*p == '-' ? "\\-" : (char[]){*p, 0}, out);
    if (row->metavar)
        fprintf(out, "\\fR%s=\\fI%s\\fR%s", row->optional ? "[" : "", row->metavar, row->optional ? "]" : "");
    fputs("\\fR\n", out);
    man_text(out, row->help);
    man_commands(out, row);
}

static void man_command(FILE *out, const struct command_row *row)
{
    fprintf(out, ".SS huddle %s [\\fIoptions\\fP] %s\n", row->name, row->argument ? row->argument : "");
    man_text(out, row->text);
}

static void man_options(FILE *out)
{
    for (int group = 0; group < OPTION_GROUPS; group++) {
        fprintf(out, ".SS %s\n", option_group_names[group]);
        for (size_t i = 0; i < option_row_count; i++)
            if (option_rows[i].group == (enum option_group)group && !option_rows[i].hidden)
                man_option(out, &option_rows[i]);
    }
}

static const char man_scripts[] =
    ".SH SCRIPTS\n"
    "A script has one command per line; empty lines and lines that begin with # are skipped. Scripts run on "
    "the\n"
    "guest's time, so under \\fB\\-\\-clock=access\\fP they do the same thing in every run.\n"
    ".TP\n.B wait\\-text \"\\fITEXT\\fB\" \\fR[\\fITIME\\fR]\n"
    "Wait until the text screen contains TEXT; the script fails after TIME (default 30s). Times are written "
    "20s or\n"
    "500ms.\n"
    ".TP\n.B wait \\fITIME\n"
    "Wait that long.\n"
    ".TP\n.B type \"\\fITEXT\\fB\"\n"
    "Press the keys of a US keyboard that give TEXT. Escapes: \\en Enter, \\et Tab, \\ee Escape, \\eb "
    "Backspace, \\e\\e,\n"
    "\\e\".\n"
    ".TP\n.B key \\fINAME\\fR[\\fB\\-\\fINAME\\fR...]\n"
    "Press keys together, as in ctrl\\-alt\\-del.\n"
    ".TP\n.B mouse \\fIDX DY\\fR [\\fBleft\\fR|\\fBright\\fR|\\fBmiddle\\fR ...]\n"
    "Move the mouse (right and down are positive) with these buttons held.\n"
    ".TP\n.B screenshot \\fIFILE.png\n"
    "Write the picture.\n"
    ".TP\n.B text\n"
    "Print the text screen.\n"
    ".TP\n.B cluster off\\fR|\\fBpairs\\fR|\\fBwindow\\fR|\\fBon\n"
    "Change how far exits are clustered from here on. Not under \\fBhuddle ab\\fP.\n"
    ".TP\n.B save \\fIFILE\n"
    "Write the state of the whole machine, but for the contents of the disk images.\n"
    ".TP\n.B load \\fIFILE\n"
    "Go on from a state that was saved. The script fails, and the machine is as it was, if it does not fit.\n"
    ".TP\n.B quit \\fR[\\fISTATUS\\fR]\n"
    "End with that status (default 0).\n";

static const char man_files[] =
    ".SH FILES\n"
    ".TP\n.I /usr/share/seabios/bios.bin\nSystem firmware (or bios\\-256k.bin).\n"
    ".TP\n.I /usr/share/seabios/vgabios\\-isavga.bin\nVGA firmware (or vgabios\\-stdvga.bin).\n"
    ".TP\n.I /dev/kvm\nThe kernel's virtual machines. Users in the group kvm may open it.\n"
    ".SH EXAMPLES\n"
    ".nf\n"
    "huddle run \\-\\-until\\-text='A:\\e>' \\-\\-timeout=60 dos.img\n"
    "huddle run \\-\\-script=play.txt \\-\\-screenshot=last.png game.img\n"
    "huddle ab \\-\\-frames=600 \\-\\-json=result.json game.img\n"
    "huddle clusters \\-\\-frames=600 \\-\\-top=3 \\-\\-steps game.img\n"
    ".fi\n";

void help_man(FILE *out)
{
    fprintf(out, ".TH HUDDLE 1 \"\" \"huddle %s\" \"User Commands\"\n", HUDDLE_VERSION);
    fputs(".SH NAME\nhuddle \\- run legacy DOS and VGA guests on KVM with their exits clustered\n", out);
    fputs(".SH SYNOPSIS\n", out);
    for (size_t i = 0; i < command_row_count; i++)
        fprintf(out, ".B huddle %s\n[\\fIoptions\\fP]%s%s\n.br\n", command_rows[i].name,
                command_rows[i].argument ? " " : "",
                command_rows[i].argument ? command_rows[i].argument : "");
    fputs(".SH COMMANDS\n", out);
    for (size_t i = 0; i < command_row_count; i++)
        man_command(out, &command_rows[i]);
    fputs(".SH OPTIONS\n", out);
    man_options(out);
    fputs(man_scripts, out);
    fputs(man_files, out);
}
