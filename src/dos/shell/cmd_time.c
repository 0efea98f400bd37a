/* DATE and TIME: shown, asked for, set. */
#include "shell.h"
#include "text.h"

enum { ANSWER_BYTES = 32, NUMBERS = 4 };

/* Numbers with anything of `separators` between. How many there are; -1 for anything else in the text. */
static s32 numbers_read(char *text, const char *separators, u16 numbers[NUMBERS])
{
    s32 count = 0;
    for (;;) {
        s32 number = count < NUMBERS ? number_read(&text) : -1;
        if (number < 0)
            return -1;
        numbers[count++] = number;
        text += *text && text_has(separators, *text);
        if (!char_is_digit(*text))
            break;
    }
    return *skip_blanks(text) ? -1 : count;
}

/* AX=2Bxxh or 2Dxxh with CX and DX: AL is FFh if DOS does not like them. */
static bool clock_set(u16 ax, u16 cx, u16 dx)
{
    struct regs regs;
    regs_init(&regs, ax);
    regs.cx = cx;
    regs.dx = dx;
    intr(0x21, &regs);
    return !(regs.ax & 0xff);
}

static bool date_set(char *text)
{
    static const u8 month_at[] = {0, 1, 1}, day_at[] = {1, 0, 2}, year_at[] = {2, 2, 0};
    struct country country;
    u16 numbers[NUMBERS];
    country_get(&country);
    if (numbers_read(text, "-/.", numbers) != 3)
        return false;
    u16 year = numbers[year_at[country.date_order]];
    u16 month = numbers[month_at[country.date_order]], day = numbers[day_at[country.date_order]];
    if (year < 100)
        year += year < 80 ? 2000 : 1900;
    return year >= 1980 && year <= 2099 && month <= 12 && day <= 31 &&
           clock_set(0x2b00, year, month << 8 | day);
}

static bool time_set(char *text)
{
    u16 numbers[NUMBERS] = {0};
    char *end = text + text_length(text);
    bool noon = false, half = false;
    while (end > text && char_is_blank(end[-1]))
        end--;
    if (end > text && char_upper(end[-1]) == 'M')
        end--;
    if (end > text && (char_upper(end[-1]) == 'P' || char_upper(end[-1]) == 'A')) {
        half = true;
        noon = char_upper(*--end) == 'P';
    } else {
        end = text + text_length(text);
    }
    *end = 0;
    if (numbers_read(text, ":.,", numbers) < 0 || (half && (numbers[0] > 12 || !numbers[0])))
        return false;
    if (half)
        numbers[0] = numbers[0] % 12 + (noon ? 12 : 0);
    if (numbers[0] > 23 || numbers[1] > 59 || numbers[2] > 59 || numbers[3] > 99)
        return false;
    return clock_set(0x2d00, numbers[0] << 8 | numbers[1], numbers[2] << 8 | numbers[3]);
}

/* Asks until the answer is right or empty. */
static int ask(const char *prompt, const char *complaint, bool (*accept)(char *text))
{
    char answer[ANSWER_BYTES];
    for (;;) {
        out("%s", prompt);
        if (!line_input(answer, sizeof(answer)))
            return 1;
        char *text = skip_blanks(answer);
        if (!*text || accept(text))
            return 0;
        out("\n%s\n", complaint);
    }
}

static const char *date_prompt(void)
{
    static const char *const forms[] = {"mm-dd-yy", "dd-mm-yy", "yy-mm-dd"};
    struct country country;
    country_get(&country);
    return forms[country.date_order];
}

int cmd_date(char *args)
{
    char prompt[40];
    args = skip_delimiters(args);
    if (*args && date_set(args))
        return 0;
    if (*args)
        complain("Invalid date");
    else {
        out("Current date is ");
        date_show_now();
        out("\n");
    }
    text_copy(prompt, sizeof(prompt), "Enter new date (");
    text_append(prompt, sizeof(prompt), date_prompt());
    text_append(prompt, sizeof(prompt), "): ");
    return ask(prompt, "Invalid date", date_set);
}

int cmd_time(char *args)
{
    args = skip_delimiters(args);
    if (*args && time_set(args))
        return 0;
    if (*args)
        complain("Invalid time");
    else {
        out("Current time is ");
        time_show_now();
        out("\n");
    }
    return ask("Enter new time: ", "Invalid time", time_set);
}
