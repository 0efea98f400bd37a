/* Country information: the United States, code page 437. INT 21h AH=38h, 65h, 66h. */
#include "dos/dos_impl.h"

#include <string.h>

enum { COUNTRY_US = 1, CODE_PAGE = 437, UPPER = COUNTRY_TABLES, UPPER_BYTES = 2 + 128, FILE_CHARACTERS = UPPER + UPPER_BYTES,
       FILE_CHARACTERS_BYTES = 24, COLLATING = FILE_CHARACTERS + FILE_CHARACTERS_BYTES, COLLATING_BYTES = 2 + 256,
       DOUBLE_BYTE = COLLATING + COLLATING_BYTES };
_Static_assert(DOUBLE_BYTE + 4 <= DOS_END, "the tables do not fit");

struct __attribute__((packed)) country {
    u16 date_order; /* month, day, year */
    char currency[5], thousands[2], decimal[2], date_separator[2], time_separator[2];
    u8 currency_format, currency_digits, time_24;
    u32 case_map;
    char list_separator[2];
    u8 reserved[10];
};

static struct country information(const struct dos *dos)
{
    return (struct country){.currency = "$", .thousands = ",", .decimal = ".", .date_separator = "-", .time_separator = ":",
                            .currency_digits = 2, .case_map = in_dos(dos->entry[STUB_CASE_MAP]), .list_separator = ","};
}

/* Letters with accents are sorted with those without. */
static u8 weight(u8 c)
{
    u8 upper = dos_upper(c);
    switch (upper) {
    case 0x80:
        return 'C';
    case 0x8e: case 0x8f: case 0x92:
        return 'A';
    case 0x90:
        return 'E';
    case 0x99:
        return 'O';
    case 0x9a:
        return 'U';
    case 0xa5:
        return 'N';
    case 0xe1:
        return 'S';
    default:
        return upper;
    }
}

void country_boot(struct dos *dos)
{
    /* What a file name may hold: all from 00h to FFh, but 00h to 20h and these. */
    static const u8 file_characters[FILE_CHARACTERS_BYTES] = {0x16, 0x00, 0x01, 0x00, 0xff, 0x00, 0x00, 0x20, 0x02, 0x0e,
                                                              '.', '"', '/', '\\', '[', ']', ':', '|', '<', '>', '+', '=',
                                                              ';', ','};
    u8 upper[UPPER_BYTES] = {128, 0}, collating[COLLATING_BYTES] = {0, 1};
    for (u32 c = 0; c < 128; c++)
        upper[2 + c] = dos_upper((u8)(128 + c));
    for (u32 c = 0; c < 256; c++)
        collating[2 + c] = weight((u8)c);
    guest_write(dos, in_dos(UPPER), upper, sizeof upper);
    guest_write(dos, in_dos(FILE_CHARACTERS), file_characters, sizeof file_characters);
    guest_write(dos, in_dos(COLLATING), collating, sizeof collating);
    guest_put_u32(dos, in_dos(DOUBLE_BYTE), 0);
    guest_put_u16(dos, in_dos(dos->entry[STUB_CASE_TABLE]), UPPER + 2 - 128);
}

enum dos_next int21_country(struct dos *dos)
{
    u8 code = reg_low(dos, CPU_EAX);
    if (code > COUNTRY_US && !(code == 0xff && reg16(dos, CPU_EBX) == COUNTRY_US))
        return dos_fail(dos, DOS_FILE_NOT_FOUND);
    if (reg16(dos, CPU_EDX) == 0xffff)
        return dos_ok(dos); /* it is set */
    struct country country = information(dos);
    guest_write(dos, ds_dx(dos), &country, sizeof country);
    set_reg16(dos, CPU_EBX, COUNTRY_US);
    return dos_ok_ax(dos, COUNTRY_US);
}

static void upper_string(struct dos *dos, far_t at, u32 bytes)
{
    for (u32 i = 0; i < bytes; i++)
        guest_put_u8(dos, far_add(at, i), dos_upper(guest_u8(dos, far_add(at, i))));
}

/* AL = 20h-23h: a character in DL, CX characters at DS:DX, a string there; is the character in DL a "yes"? */
static enum dos_next capitalize(struct dos *dos, u8 function)
{
    char text[256];
    u8 c = dos_upper(reg_low(dos, CPU_EDX));
    switch (function & 0x7f) {
    case 0x20:
        set_low(dos, CPU_EDX, c);
        return dos_ok(dos);
    case 0x21:
        upper_string(dos, ds_dx(dos), reg16(dos, CPU_ECX));
        return dos_ok(dos);
    case 0x22:
        guest_string(dos, ds_dx(dos), text, sizeof text);
        upper_string(dos, ds_dx(dos), (u32)strlen(text));
        return dos_ok(dos);
    default:
        return dos_ok_ax(dos, c == 'Y' ? 1 : c == 'N' ? 0 : 2);
    }
}

static enum dos_next table(struct dos *dos, u8 function, u16 offset)
{
    struct __attribute__((packed)) {
        u8 function;
        u32 table;
    } answer = {function, in_dos(offset)};
    guest_write(dos, far(sreg(dos, CPU_ES), reg16(dos, CPU_EDI)), &answer, MIN((u32)reg16(dos, CPU_ECX), (u32)sizeof answer));
    set_reg16(dos, CPU_ECX, sizeof answer);
    return dos_ok_ax(dos, CODE_PAGE);
}

static enum dos_next extended(struct dos *dos)
{
    struct __attribute__((packed)) {
        u8 function;
        u16 bytes, country, page;
        struct country information;
    } answer = {1, sizeof answer - 3, COUNTRY_US, CODE_PAGE, information(dos)};
    u16 bytes = MIN(reg16(dos, CPU_ECX), (u16)sizeof answer);
    guest_write(dos, far(sreg(dos, CPU_ES), reg16(dos, CPU_EDI)), &answer, bytes);
    set_reg16(dos, CPU_ECX, bytes);
    return dos_ok_ax(dos, CODE_PAGE);
}

enum dos_next int21_country_tables(struct dos *dos)
{
    u8 function = reg_low(dos, CPU_EAX);
    switch (function) {
    case 0x01:
        return extended(dos);
    case 0x02:
    case 0x04:
        return table(dos, function, UPPER);
    case 0x05:
        return table(dos, function, FILE_CHARACTERS);
    case 0x06:
        return table(dos, function, COLLATING);
    case 0x07:
        return table(dos, function, DOUBLE_BYTE);
    case 0x20: case 0x21: case 0x22: case 0x23:
    case 0xa0: case 0xa1: case 0xa2:
        return capitalize(dos, function);
    default:
        return dos_fail(dos, DOS_INVALID_FUNCTION);
    }
}

/* AH=63h: no character has two bytes. AL=0: the table, which is empty; 1, 2: may half of one be read? */
enum dos_next int21_double_byte(struct dos *dos)
{
    enum { LENGTH_BYTES = 2 };
    switch (reg_low(dos, CPU_EAX)) {
    case 0:
        set_low(dos, CPU_EAX, 0);
        set_sreg(dos, CPU_DS, DOS_SEG);
        set_reg16(dos, CPU_ESI, DOUBLE_BYTE + LENGTH_BYTES);
        return dos_ok(dos);
    case 2:
        set_low(dos, CPU_EDX, 0);
        return dos_ok(dos);
    default:
        return reg_low(dos, CPU_EAX) == 1 ? dos_ok(dos) : dos_fail(dos, DOS_INVALID_FUNCTION);
    }
}

enum dos_next int21_code_page(struct dos *dos)
{
    if (reg_low(dos, CPU_EAX) == 1) {
        set_reg16(dos, CPU_EBX, CODE_PAGE);
        set_reg16(dos, CPU_EDX, CODE_PAGE);
        return dos_ok(dos);
    }
    if (reg_low(dos, CPU_EAX) != 2)
        return dos_fail(dos, DOS_INVALID_FUNCTION);
    return reg16(dos, CPU_EBX) == CODE_PAGE ? dos_ok(dos) : dos_fail(dos, DOS_FILE_NOT_FOUND);
}
