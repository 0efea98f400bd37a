"""Random programs as assembly text, from a seed: what programs.py runs. A program is a floppy guest (boot.inc) made of
blocks that are called in turn, several times: loops over random instructions, modified code, mode switches, VGA
registers, strings, interrupts. All that is read goes into a checksum in memory.

What a program may not do, for then the variants may differ for another reason than a bug of ours:
- use or store flags that the manual leaves undefined: what leaves some is followed by an instruction that sets them;
- fault on a stack of 16 bits or with a base in protected mode, or with the upper half of ESP not zero in real mode;
  fault in the second access of an instruction; fault in REP CMPS or SCAS (tests/diff/oddity.c: FRAME, ESP, READS,
  STRING);
- change the bytes of a repeated string instruction while it repeats (OWN_BYTES); INS from a device that changes
  memory's mapping (INS)."""

import random

DAT = 0xE000            # 4 KiB of data that instructions work on
IDT = 0xF000            # of protected mode; 80h gates
OVERLAY_SECTOR = 200    # of the floppy: routines of a sector each
OVERLAYS = 24
OVERLAY_AT = 0xF800     # where overlays are read to, in segment 0
CODE_LIMIT = DAT
HDA_SECTORS = 2048

REGS = ("eax", "ebx", "ecx", "edx", "esi", "edi", "ebp")
LOW = {"eax": "al", "ebx": "bl", "ecx": "cl", "edx": "dl"}
HIGH = {"eax": "ah", "ebx": "bh", "ecx": "ch", "edx": "dh"}
CONDITIONS = ("o", "no", "b", "nb", "z", "nz", "be", "nbe", "s", "ns", "p", "np", "l", "nl", "le", "nle")


def descriptor(base, limit, access, flags):
    return (limit & 0xFFFF | (base & 0xFFFFFF) << 16 | access << 40 | (limit >> 16 & 15) << 48 | flags << 52 |
            (base >> 24) << 56)


# Selector -> base, limit, access, flags. Those of None are drawn for each program.
SELECTORS = {
    0x08: (0, 0xFFFFF, 0x9A, 0xC),        # code, 32 bits, flat
    0x10: (0, 0xFFFFF, 0x92, 0xC),        # data, flat
    0x18: (0, 0xFFFF, 0x9A, 0),           # code, 16 bits
    0x20: (0, 0xFFFF, 0x92, 0),           # data, 64 KiB
    0x28: (0xA0000, 0xFFFF, 0x92, 0),     # the VGA's window
    0x30: (0xB8000, 0x7FFF, 0x92, 4),     # the text window
    0x38: (0x20000, 0x0FFF, 0x96, 4),     # expand-down: offsets from 1000h on
    0x40: (0x50000, 0xFFFF, 0x92, 0),     # a 16-bit stack
    0x48: (0x50000, 0xFFFFF, 0x92, 0xC),  # a 32-bit stack with a base
    0x50: None,                           # code, 32 bits, with a base below the program
    0x58: None,                           # code, 16 bits, likewise
    0x60: None,                           # data with any base and limit
}


class Text:
    """Grows a program."""

    def __init__(self, seed, only=None):
        self.seed, self.rng = seed, random.Random(seed)
        self.lines, self.labels, self.data = [], 0, []
        self.bits, self.cbase, self.free, self.protected = 16, 0, list(REGS), False
        self.may_interrupt = True
        self.only = only

    # --- small tools ---

    def pick(self, *items):
        return self.rng.choice(items)

    def chance(self, p):
        return self.rng.random() < p

    def int(self, low, high):
        return self.rng.randint(low, high)

    def emit(self, *lines):
        for text in lines:
            self.lines.extend("    " + line.strip() for line in text.split(";") if line.strip())

    def label(self):
        self.labels += 1
        return f"L{self.labels}"

    def place(self, label):
        self.lines.append(f"{label}:")

    def reg(self, size=4, avoid=()):
        while True:
            name = self.pick(*[r for r in self.free if r not in avoid])
            if size == 4:
                return name
            if size == 2:
                return name[1:]
            if name in LOW:
                return self.pick(LOW, HIGH)[name]

    def value(self, size):
        return self.pick(0, 1, 0x7F, 0x80, 0xFF, self.int(0, 0xFF),
                         self.rng.getrandbits(8 * size)) & ((1 << 8 * size) - 1)

    def settle(self):
        """All arithmetic flags defined."""
        more = ("add eax, esi", "sub edi, eax", "cmp si, 1234h") if {"eax", "edi"} <= set(self.free) else ()
        self.emit(self.pick("cmp eax, ebx", *more))

    def mix(self, reg=None):
        self.emit(f"xor [sum], {reg or self.reg()}", "rol dword [sum], 7", "cmp ax, bx")

    def memory(self, size):
        """A memory operand in DAT, perhaps with registers made fit for it."""
        kind = self.int(0, 3)
        if kind == 0:
            return f"[{DAT + self.int(0, 0xFF0)}]"
        if self.bits == 16 and kind < 3:
            index = [r for r in ("esi", "edi", "ebx") if r in self.free]
            if not index:
                return f"[{DAT + self.int(0, 0xFF0)}]"
            reg = self.pick(*index)
            self.emit(f"and {reg}, {self.pick(0xFF0, 0x7FC, 0x3FF)}")
            return f"[{reg[1:]} + {DAT}]"
        reg = self.reg()
        self.emit(f"and {reg}, {self.pick(0x7F0, 0x3FC, 0x1FF)}")
        return f"[{reg}{self.pick('', '*2')} + {DAT}]"

    # --- single instructions ---

    def alu(self):
        size = self.pick(1, 2, 2, 4, 4)
        name = self.pick("add", "or", "adc", "sbb", "and", "sub", "xor", "cmp", "mov", "test", "xchg")
        form = self.int(0, 4)
        word = {1: "byte", 2: "word", 4: "dword"}[size]
        if form == 0:
            self.emit(f"{name} {self.reg(size)}, {self.reg(size)}")
        elif form == 1 and name != "xchg":
            self.emit(f"{name} {self.reg(size)}, {self.value(size)}")
        elif form == 2 and name != "test":
            where = self.memory(size)
            self.emit(f"{name} {self.reg(size)}, {where}")
        elif form == 3:
            where = self.memory(size)
            self.emit(f"{name} {where}, {self.reg(size)}")
        elif name != "xchg":
            self.emit(f"{name} {word} {self.memory(size)}, {self.value(size)}")

    def unary(self):
        size = self.pick(1, 2, 4)
        name = self.pick("inc", "dec", "not", "neg")
        if self.chance(0.5):
            self.emit(f"{name} {self.reg(size)}")
        else:
            self.emit(f"{name} {({1: 'byte', 2: 'word', 4: 'dword'})[size]} {self.memory(size)}")

    def shift(self):
        size = self.pick(1, 2, 4)
        count = self.int(1, 31) if "ecx" not in self.free or self.chance(0.6) else "cl"
        self.emit(f"{self.pick('rol', 'ror', 'rcl', 'rcr', 'shl', 'shr', 'sar')} {self.reg(size)}, {count}")
        self.settle()

    def multiply(self):
        self.emit(self.pick(f"imul {self.reg()}, {self.reg()}, {self.value(1)}", f"imul {self.reg(2)}, {self.reg(2)}",
                            f"movzx {self.reg()}, {self.reg(1)}", f"movsx {self.reg()}, {self.reg(2)}",
                            "cbw", "cwde", f"lea {self.reg()}, [eax + ebx*4 + {self.value(1)}]", f"bswap {self.reg()}",
                            f"bts {self.reg()}, {self.int(0, 31)}",
                            f"shld {self.reg()}, {self.reg()}, {self.int(1, 31)}",
                            f"set{self.pick(*CONDITIONS)} {self.reg(1)}", "cmp ax, bx; lahf", "cmc", "stc", "clc"))
        self.settle()

    def stack(self):
        size = self.pick(2, 4)
        self.emit(f"push {self.reg(size)}")
        self.alu()
        self.emit(f"pop {self.reg(size)}")

    def skip(self):
        over = self.label()
        self.emit(f"j{self.pick(*CONDITIONS)} {over}")
        for _ in range(self.int(1, 3)):
            self.pick(self.alu, self.unary)()
        self.place(over)

    def push_flags(self):
        """Of PUSHF only what is defined everywhere."""
        self.settle()
        reg = self.reg(2)
        self.emit("pushfw", f"pop {reg}", f"and {reg}, 0ED5h", f"add {reg}, 1")

    def shadow(self):
        """STI and MOV SS directly before an access, a halt, or another of them. Ends with interrupts on."""
        if not self.may_interrupt:
            return
        self.settle()
        self.emit("cli")
        self.port()
        self.settle()
        load = ["mov bx, ss", "mov ss, bx"] if "ebx" in self.free else []
        kind = self.int(0, 6)
        if kind == 0:
            self.emit("sti", "in al, 61h")
        elif kind == 1:
            self.emit(*load, "sti", "in al, 61h", "nop")
        elif kind == 2:
            self.emit("sti", *load, "in al, 61h")
        elif kind == 3:
            self.emit("pushf", "sti", "nop", "cli", "out 80h, al", "popf")
        elif kind == 4:
            self.emit("sti", "cli", "in al, 61h", "sti", "sti", "out 80h, al")
        elif kind == 5:
            self.emit("sti", "push ss", "pop ss", "out 80h, al")
        else:
            self.emit("in al, 61h", "sti", f"mov [{DAT + 0x20}], al", f"mov al, [{DAT + 0x24}]")
        self.emit("sti")

    def port(self):
        """A short access that only AL, or AX and DX, take part in."""
        port, reg = self.pick((0x61, "al"), (0x40, "al"), (0x21, "al"), (0xA1, "al"), (0x3DA, "al"), (0x3CC, "al"),
                              (0x3C5, "al"), (0x3CF, "al"), (0x3D5, "al"), (0x64, "al"), (0x3C9, "al"), (0x80, "al"))
        if port < 0x100:
            self.emit(f"in {reg}, {port}")
        elif "edx" in self.free:
            self.emit(f"mov dx, {port}", f"in {reg}, dx")
        else:
            self.emit("in al, 61h")
        if self.chance(0.3):
            self.emit("out 80h, al")

    def pair(self):
        """An index and its data."""
        kind = self.int(0, 3)
        if kind == 0:
            self.emit("cli" if self.may_interrupt else "", f"mov al, {self.pick(0x0E, 0x10, 0x14, 0x15, 0x2D, 0x0D)}",
                      "out 70h, al",
                      "in al, 71h", "sti" if self.may_interrupt else "")
        elif kind == 1:
            self.emit(f"mov al, {self.pick(0x0A, 0x0B)}", "out 20h, al", "in al, 20h")
        elif kind == 2:
            self.emit("mov al, 0", "out 43h, al", "in al, 40h", "mov ah, al", "in al, 40h")
        elif "edx" in self.free:
            self.emit("mov dx, 3D4h", f"mov al, {self.pick(0xE, 0xF, 0xC, 0xD)}", "out dx, al", "inc dx", "in al, dx")

    def vga_register(self):
        if "edx" not in self.free:
            return
        kind = self.int(0, 9)
        value = self.int(0, 255)
        index, data = {
            0: (0x3C4, (2, self.int(0, 15))), 1: (0x3C4, (4, self.pick(2, 6, 0xA, 0xE))),
            2: (0x3CE, (5, self.pick(0, 1, 2, 3, 8, 9, 0xA, 0x10, 0x40, 0x42))), 3: (0x3CE, (8, value)),
            4: (0x3CE, (3, self.pick(0, 8, 0x10, 0x18, value & 0x1F))), 5: (0x3CE, (4, value & 3)),
            6: (0x3CE, (0, value & 15)), 7: (0x3CE, (1, value & 15)), 8: (0x3CE, (self.pick(2, 7), value & 15)),
            9: (0x3D4, (self.pick(0xC, 0xD, 0x13, 0x14, 0x17), value)),
        }[kind]
        if self.chance(0.5):
            self.emit(f"mov dx, {index}", f"mov ax, {data[1] << 8 | data[0]}", "out dx, ax")
        else:
            self.emit(f"mov dx, {index}", f"mov al, {data[0]}", "out dx, al", "inc dx", f"mov al, {data[1]}",
                      self.pick("", "xor al, bl") if kind in (0, 3, 6) else "", "out dx, al")

    def vga_rare(self):
        if "edx" not in self.free:
            return
        kind = self.int(0, 3)
        if kind == 0:
            self.emit("mov dx, 3C8h", "mov al, bl", "out dx, al", "inc dx", "out dx, al", "out dx, al", "out dx, al")
        elif kind == 1:
            self.emit("mov dx, 3C7h", f"mov al, {self.int(0, 255)}", "out dx, al", "mov dx, 3C9h", "in al, dx",
                      "in al, dx")
        elif kind == 2:
            self.emit("mov dx, 3CEh", f"mov ax, {self.pick(5, 1, 0xD, 9) << 8 | 6}", "out dx, ax")
        else:
            self.emit("mov dx, 3DAh", "in al, dx", "mov dx, 3C0h", f"mov al, {self.int(0x20, 0x33)}", "out dx, al",
                      f"mov al, {self.int(0, 15)}", "out dx, al")

    def window(self):
        """An access to what ES is: the VGA's memory, or RAM. Offsets below 8000h fit all of them."""
        index = [r for r in ("edi", "esi", "ebx") if r in self.free]
        if not index:
            return
        reg = self.pick(*index)
        size = self.pick(1, 1, 2, 4)
        self.emit(f"and {reg}, {self.pick(0x7FFC, 0xFFF, 0x1FFE)}")
        where = f"[es:{reg if self.bits == 32 or self.chance(0.2) else reg[1:]}{self.pick('', ' + 1000h', ' + 4')}]"
        word = {1: "byte", 2: "word", 4: "dword"}[size]
        other = self.reg(size, avoid=(reg,))
        self.emit(self.pick(f"mov {where}, {other}", f"mov {other}, {where}", f"mov {where}, {other}",
                            f"mov {other}, {where}",
                            f"xor {where}, {other}", f"xchg {where}, {other}", f"or {word} {where}, {self.value(1)}",
                            f"cmp {word} {where}, {self.value(1)}", f"add {other}, {where}", f"inc {word} {where}"))

    def string(self):
        """A short repeated string within ES and DAT, in either direction. ECX, ESI, EDI are needed."""
        if not {"ecx", "esi", "edi", "eax"} <= set(self.free):
            return
        name = self.pick("movs", "stos", "lods", "scas", "cmps", "movs", "stos")
        letter = self.pick("b", "b", "w", "d")
        back = self.chance(0.3)
        self.emit(f"mov edi, {self.int(0x100, 0x7000)}", f"mov esi, {DAT + self.int(0x80, 0xF00)}",
                  f"mov ecx, {self.int(0, 24)}",
                  "std" if back else "cld")
        prefix = self.pick("rep", "repne") if name in ("scas", "cmps") else self.pick("rep", "rep", "")
        source = "es " if name in ("lods", "movs") and self.chance(0.3) else ""
        if source:
            self.emit("mov esi, edi", "add esi, 3")
        self.emit("cmp eax, eax" if self.chance(0.5) else "cmp ecx, -1")
        self.emit(f"{prefix} {source}{name}{letter}", "cld" if back else "")

    def body(self, n, devices=0.3):
        for _ in range(n):
            if self.chance(devices):
                self.pick(self.port, self.pair, self.vga_register, self.vga_rare, self.window, self.window, self.window,
                          self.string)()
            else:
                self.pick(self.alu, self.alu, self.alu, self.alu, self.unary, self.shift, self.multiply, self.stack,
                          self.skip, self.push_flags)()

    # --- loops ---

    def loop(self, times, inside):
        """Counts in one of several ways, around what inside() emits."""
        again, kind, held = self.label(), self.int(0, 4), list(self.free)
        if kind in (0, 1) and "ecx" in self.free:
            self.free.remove("ecx")
            self.emit(f"mov ecx, {times}")
            self.place(again)
            inside()
            done = self.label()
            self.emit(*(["dec ecx", f"jnz near {again}"] if kind else [f"dec cx", f"jz {done}", f"jmp near {again}"]))
            self.place(done)
        elif kind == 2 and "ebp" in self.free:
            self.free.remove("ebp")
            self.emit(f"mov ebp, {times}")
            self.place(again)
            inside()
            self.emit("sub bp, 1", f"jg near {again}")
        else:
            counter = self.variable()
            self.emit(f"mov word [{counter}], {times}")
            self.place(again)
            inside()
            self.emit(f"dec word [{counter}]", f"jnz near {again}")
        self.free = held

    def variable(self, size=4):
        name = self.label()
        self.data.append(f"{name}: dd 0")
        return name

    def start_registers(self):
        self.emit(*[f"mov {reg}, {self.value(4) | self.int(0, 0xFFFFFF)}" for reg in REGS])
        self.emit("cmp eax, ebx")

    def set_es(self, kind=None):
        kind = kind or self.pick("vga", "vga", "text", "ram")
        if self.protected:
            self.emit(f"mov ax, {dict(vga=0x28, text=0x28, ram=0x60)[kind]}", "mov es, ax")
        else:
            segment = dict(vga=0xA000, text=self.pick(0xB800, 0xA800, 0xB000),
                           ram=self.pick(0x2000, 0x2100, 0x26FF))[kind]
            self.emit(f"mov ax, {segment}", "mov es, ax")
