"""The blocks of random programs."""

from program_frame import Frame
from program_text import DAT, OVERLAY_AT, OVERLAY_SECTOR, OVERLAYS, REGS, SELECTORS


class Program(Frame):
    # Name -> how often it is drawn, among the others.
    BLOCKS = {"plain": 4, "vga": 6, "self": 8, "copied": 5, "protected": 9, "unreal": 5, "a20": 4, "disk": 3, "ide": 2,
              "strings": 4, "wait": 4, "shadows": 4, "faults": 3, "bios": 2, "ports": 2, "rates": 4, "x87": 1, "far": 4}

    def draw_names(self):
        """Three blocks are given by the seed, so that six seeds in a row have all; the others are drawn."""
        deck = list(self.BLOCKS)
        names = [deck[(3 * self.seed + i) % len(deck)] for i in range(3)]
        names += self.rng.choices(deck, self.BLOCKS.values(), k=self.int(4, 9))
        self.rng.shuffle(names)
        return names

    # --- calls ---

    def call(self):
        """By any way there is, in real mode."""
        kind, i = self.int(0, 7), self.int(0, 2)
        if kind <= 1:
            self.emit(f"call near_{i}")
        elif kind == 2:
            self.emit(f"call 0:far_{i}")
        elif kind == 3:
            self.emit(f"int {0x60 + i:#x}")
        elif kind == 4:
            table = self.label()
            self.data.append(f"{table}: dw " + ", ".join(f"near_{self.int(0, 2)} - {self.cbase}" for _ in range(4)))
            self.emit("mov bx, [sum]", "and bx, 3", "add bx, bx", f"call [bx + {table}]")
        elif kind == 5:
            table = self.label()
            self.data.append(f"{table}: " + "; ".join(["dw far_%d, 0" % self.int(0, 2)]))
            self.emit(f"call far [{table}]")
        elif kind == 6:
            self.emit(f"mov esi, near_{i} - {self.cbase}", "call si")
        else:
            over, back = self.label(), self.label()
            self.emit("pushf", "push cs", f"push word {back} - {self.cbase}", f"jmp {over}")
            self.place(over)
            self.emit("iret")
            self.place(back)
        self.emit("cmp ax, bx")

    def switch(self):
        """A jump by a table, in one of several ways."""
        table, done = self.label(), self.label()
        arms = [self.label() for _ in range(4)]
        wide = self.chance(0.3) and self.bits == 16
        size = "dd" if self.bits == 32 or wide else "dw"
        self.data.append(f"{table}: {size} " + ", ".join(f"{arm} - {self.cbase}" for arm in arms))
        self.emit("mov ebx, [sum]", "and ebx, 3")
        self.emit(f"jmp {'dword ' if size == 'dd' else ''}[{table} + ebx*{4 if size == 'dd' else 2}]")
        for arm in arms:
            self.place(arm)
            self.body(self.int(1, 2), 0.2)
            self.emit(f"jmp {done}")
        self.place(done)
        self.emit("cmp ax, bx")

    # --- blocks ---

    def block_plain(self):
        self.set_es()

        def inner():
            self.body(self.int(2, 6))
            if self.chance(0.5):
                self.loop(self.int(2, 9), lambda: self.body(self.int(1, 4)))
            if self.chance(0.6):
                self.call()
            if self.chance(0.4):
                self.switch()
            self.mix()
        self.without("ecx", "ebp")
        self.loop(self.int(20, 150), inner)

    def without(self, *regs):
        """Registers that calls may change are not for counting."""
        self.free = [reg for reg in self.free if reg not in regs]

    def block_far(self):
        self.without("ecx", "ebp")
        self.set_es()

        def inner():
            for _ in range(self.int(2, 4)):
                self.pick(self.call, self.call, self.switch, lambda: self.body(2), self.mix)()
        self.loop(self.int(30, 200), inner)

    def block_vga(self):
        if self.chance(0.5):
            self.emit(f"mov ax, {self.pick(3, 0xD, 0x12, 0x13, 0x13, 0x93, 0x10)}", "int 10h", "cmp ax, bx")
        self.start_registers()
        self.set_es(self.pick("vga", "vga", "text"))
        self.vga_register()

        def inner():
            for _ in range(self.int(3, 9)):
                self.pick(self.vga_register, self.window, self.window, self.window, self.string, self.alu,
                          self.vga_rare)()
            self.mix()
        self.loop(self.int(20, 120), inner)
        self.emit("mov ecx, 64", "xor esi, esi", "cld")
        again = self.label()
        self.place(again)
        self.emit("es lodsb" if self.chance(0.5) else "es lodsw", f"add esi, {self.int(0, 400)}")
        self.mix("eax")
        self.emit("dec ecx", f"jnz {again}", "mov dx, 3CEh", "mov ax, 5", "out dx, ax")

    def patch(self):
        """One place in code that is changed over and over, and runs. The label lies in this segment: DS is flat."""
        kind, at = self.int(0, 7), self.label()
        size, reg = self.pick(1, 2, 4), None
        if kind <= 1:                                # an immediate
            reg = self.reg(size)
            self.emit(f"mov eax, [sum]")
            register = {1: "al", 2: "ax", 4: "eax"}[size]
            self.emit(f"mov [{at}_end - {size}], {register}")
            if self.chance(0.5):
                self.body(self.int(1, 3), 0.3)
                self.emit(f"jmp $+2" if self.bits == 16 else "")
            self.place(at)
            self.emit(f"mov {self.reg(size)}, {'strict ' + {1: 'byte', 2: 'word', 4: 'dword'}[size]} 1")
            self.place(f"{at}_end")
        elif kind == 2:                              # ADD <-> SUB
            self.emit(f"xor byte [{at}], 28h")
            if self.chance(0.5):
                self.body(self.int(1, 3), 0.3)
            self.place(at)
            self.emit("db 00h, 0D8h")                # add al, bl
        elif kind == 3:                              # INC <-> DEC r8, every few rounds
            counter, over = self.variable(), self.label()
            self.emit(f"inc byte [{counter}]", f"test byte [{counter}], {self.pick(1, 3, 7, 0x1F)}", f"jnz {over}",
                      f"xor byte [{at} + 1], 8")
            self.place(over)
            self.body(self.int(0, 2), 0.3)
            self.place(at)
            self.emit("db 0FEh, 0C3h")
        elif kind == 4:                              # a branch's condition, or its target
            over = self.label()
            self.emit("mov al, [sum]", "and al, 15", "or al, 70h", f"mov [{at}], al", "cmp bl, al")
            self.place(at)
            self.emit(f"jz short {over}")
            self.pick(self.alu, self.unary)()
            self.place(over)
        elif kind == 5:                              # data and code in one line
            self.emit(f"jmp short {at}_b")
            self.place(at)
            self.emit("db 0, 0, 0, 0")
            self.place(f"{at}_b")
            self.emit(f"add [{at}], eax", f"xor ebx, [{at}]")
            self.pick(self.alu, self.unary)()
        elif kind == 6:                              # by a string instruction
            if not {"ecx", "esi", "edi"} <= set(self.free):
                return self.body(2)
            self.data += [f"{at}_s: times 3 inc ax", " dec bx", " add al, 5", " xor bl, al", " stc", " inc bx"]
            self.emit("push es", "push ds", "pop es", f"mov esi, {at}_s", "mov eax, [sum]", "and eax, 3",
                      "add esi, eax",
                      f"mov edi, {at}", "mov ecx, 1", "cld", self.pick("a32 rep movsb", "rep movsb", "movsb"),
                      "pop es")
            self.place(at)
            self.emit("nop", "cmp ax, bx")
        else:                                        # a byte of an immediate, from far above it
            self.emit("mov al, [sum]", "and al, 3Fh", f"mov [{at}_end - 1], al")
            self.place(at)
            self.emit(f"mov bx, strict word {DAT & 0xFF00}")
            self.place(f"{at}_end")

    def block_self(self):
        if self.chance(0.6):
            self.without("ecx", "ebp")
        routine, aside = self.label(), self.label()
        if self.chance(0.5):                         # a routine apart, patched now and then
            self.emit(f"jmp {aside}")
            self.place(routine)
            self.body(self.int(1, 4), 0.3)
            self.patch()
            self.emit("ret")
            self.place(aside)
            self.without("ecx", "ebp")               # the routine may use them: no loop counts in them

            def inner():
                self.emit(f"call {routine}")
                self.body(self.int(0, 3), 0.2)
                self.mix()
        else:
            def inner():
                self.body(self.int(0, 3), 0.3)
                for _ in range(self.int(1, 2)):
                    self.patch()
                if self.chance(0.3):
                    self.loop(self.int(2, 9), self.patch)
                self.mix()
        self.loop(self.int(20, 120), inner)

    def block_copied(self):
        """A routine copied elsewhere, run there at different CS:IP, and patched there."""
        self.without("ecx", "ebp")
        routine, end, over = self.label(), self.label(), self.label()
        self.emit(f"jmp {over}")
        self.place(routine)
        immediate = self.label()
        kept = self.free
        self.emit("mov eax, strict dword 12345")
        self.place(immediate)
        for _ in range(self.int(2, 5)):
            self.pick(self.alu, self.unary, self.shift, self.port, self.window, self.skip)()
        self.mix("eax")
        self.emit("retf")
        self.free = kept
        self.place(end)
        self.place(over)
        segment = self.pick(0x3000, 0x4000, 0x5000)
        offset = self.pick(0x100, 0xFF0, 0xFF8, 0x1FFD, self.int(0, 0x7000))
        target = self.label()
        aliases = [(segment, offset), (segment - 1, offset + 16), (segment - 0x40, offset + 0x400)]
        self.data.append(f"{target}: " + "\n    ".join(f"dw {o}, {s}" for s, o in aliases + aliases[:1]))

        def copy():
            self.emit(f"mov ax, {segment}", "mov es, ax", f"mov esi, {routine}", f"mov edi, {offset}",
                      f"mov ecx, {end} - {routine}",
                      "cld", "rep movsb", "cmp ax, bx")

        def call():
            self.set_es()
            self.emit("mov ebx, [sum]", "and ebx, 3", f"call far [ebx*4 + {target}]")

        def patch():
            self.emit(f"mov ax, {segment - 0x10}", "mov es, ax", "mov eax, [sum]",
                      f"mov [es:{offset + 0x100} + {immediate} - {routine} - 4], eax")

        def inner():
            self.pick(copy, lambda: None)()
            call()
            for _ in range(self.int(0, 2)):
                self.pick(patch, call)()
            if self.chance(0.5):
                self.loop(self.int(3, 30), call)
        copy()
        self.loop(self.int(20, 150), inner)

    def block_strings(self):
        """Over the ends of segments; elements never lie across them."""
        targets = (0x2000, 0x3000, 0x9FFF, 0xA000, 0xB800, 0x4000)
        sources = (0x2000, 0x3000, 0x9FFF, 0xA000, 0xB800, 0x4000, 0xF000)

        def inner():
            size = self.pick("b", "w", "d")
            mask = {"b": 0xFFFF, "w": 0xFFFE, "d": 0xFFFC}[size]
            far = self.chance(0.5)
            name = self.pick("movs", "movs", "stos", "lods", "scas", "cmps")
            self.emit(f"mov ax, {self.pick(*targets)}", "mov es, ax", f"mov ax, {self.pick(*sources)}", "mov ds, ax")
            count = self.int(1, 60)
            back = self.chance(0.4)
            at = self.pick(0xFFE0, 0xFFF8, 0x20, self.int(0, 0xFFFF))
            self.emit(f"mov edi, {at & mask}", f"mov esi, {self.pick(at, at + 4, at - 8, 0xFFF0, 0x10) & mask}",
                      f"mov ecx, {count}", "std" if back else "cld", "cmp eax, ebx")
            prefix = self.pick("rep", "repne") if name in ("scas", "cmps") else "rep"
            self.emit(f"{prefix} {name}{size}", "cld", "xor dx, dx", "mov ds, dx", "xor eax, edi", "xor eax, esi",
                      "add eax, ecx")
            self.mix("eax")
        self.without("ecx")
        self.loop(self.int(17, 50), lambda: [inner() for _ in range(2)])

    def block_shadows(self):
        """Interrupts that become due at STI, MOV SS, POPF. A halt is rare: it would put each round where the last began in
        the timer's period."""
        self.set_es()

        def inner():
            for _ in range(self.int(2, 4)):
                self.shadow()
                self.body(self.int(0, 2))
            if self.chance(0.4):
                self.flags_off_on()
            if self.chance(0.3):
                over = self.label()
                self.emit("test byte [sum], 7", f"jnz near {over}")
                self.halt()
                self.place(over)
        self.without("ecx", "ebp")
        self.rate(fast=True)
        self.loop(self.int(40, 120), inner)

    def flags_off_on(self):
        self.settle()
        self.emit("pushf", "cli", "in al, 61h")
        self.body(self.int(0, 2))
        self.settle()
        self.emit("popf", self.pick("", "in al, 61h", "mov bl, al"))

    def halt(self):
        self.settle()
        self.emit("cli", self.pick("", "in al, 61h"))
        self.emit(*self.pick(["sti", "hlt"], ["mov bx, ss", "mov ss, bx", "sti", "hlt"], ["sti", "nop", "hlt"],
                             ["sti", "out 80h, al", "hlt"]))
        self.emit("mov eax, [ticks]")
        self.mix("eax")

    def wait_tick(self):
        again = self.label()
        self.emit("mov ebx, [ticks]")
        self.place(again)
        self.emit(self.pick("", "in al, 61h", "hlt", "in al, 61h; in al, 40h"), "cmp ebx, [ticks]", f"je {again}")
        self.mix("ebx")

    def block_wait(self):
        """For the timer, in several ways; each costs up to a period."""
        self.set_es()
        self.without("ecx", "ebp")

        def inner():
            self.pick(self.halt, self.wait_tick, self.halt)()
            self.body(self.int(0, 3))
            self.mix()
        self.rate()
        self.loop(self.int(8, 40), inner)

    def block_rates(self):
        self.pick(self.rate, self.clock_rate)()
        self.block_plain()

    def block_ports(self):
        def inner():
            kind = self.int(0, 3)
            if kind == 0:
                again, out = self.label(), self.label()
                self.emit("mov dx, 3DAh", f"mov cx, {self.int(20, 600)}")
                self.place(again)
                self.emit("in al, dx", f"test al, {self.pick(1, 8)}", f"{self.pick('jz', 'jnz')} {out}", "dec cx",
                          f"jnz {again}")
                self.place(out)
                self.mix("ecx")
            else:
                self.pick(self.pair, self.port, self.vga_register, self.vga_rare)()
                self.mix()
        self.without("ecx")
        self.loop(self.int(20, 60), lambda: [inner() for _ in range(3)])

    def block_bios(self):
        self.without("ecx", "ebp")

        def inner():
            self.emit(*self.pick([f"mov ax, {0x0E00 + self.int(0x20, 0x7E)}", "mov bx, 7", "int 10h"],
                                 [f"mov ax, 0C0{self.int(0, 9)}h", "mov bx, 0", f"mov cx, {self.int(0, 200)}",
                                  f"mov dx, {self.int(0, 100)}", "int 10h"],
                                 ["mov ah, 1", "int 16h"], ["mov ah, 0", "int 1Ah", "mov ax, dx"],
                                 [f"mov ax, 0200h", "mov bx, 0", f"mov dx, {self.int(0, 20) * 256 + self.int(0, 30)}",
                                  "int 10h"],
                                 ["mov ah, 2", "int 16h"], ["mov ax, 1010h", f"mov bx, {self.int(0, 15)}",
                                                            "mov cx, 1234h", "mov dh, 5", "int 10h"]))
            self.emit("cmp ax, bx")
            self.mix("eax")
        self.loop(self.int(10, 30), lambda: [inner() for _ in range(self.int(1, 3))])

    def block_faults(self):
        self.without("ecx", "ebp", "edi")
        bounds = self.label()
        self.data.append(f"{bounds}: dw 10, 1000")

        def inner():
            here = self.label()
            self.body(self.int(0, 2), 0.2)
            self.emit(f"mov word [resume], {here} - {self.cbase}")
            kind = self.int(0, 5)
            if kind == 0:
                self.emit("mov edx, [sum]", "and edx, 0FFh", "mov bl, [sum + 1]", "and bx, 3", "mov ax, 1234h",
                          "div bx")
            elif kind == 1:
                self.emit("mov bl, [sum]", "and bl, 7", "mov ax, [sum]", f"{self.pick('idiv', 'div')} bl")
            elif kind == 2:
                self.emit("mov al, [sum]", "add al, 70h", "into")
            elif kind == 3:
                self.emit("mov bx, [sum]", "and bx, 7FFh", f"bound bx, [{bounds}]")
            elif kind == 4:
                self.emit("mov si, [sum]", "or si, 0FFFEh", "mov ax, [si]")
            else:
                self.emit("mov edi, [sum]", "and edi, 1FFFFh", "mov esi, 10000h", "mov bl, [esi]")
            self.place(here)
            self.settle()
            self.emit("mov eax, [faults]")
            self.mix("eax")
        self.loop(self.int(20, 60), lambda: [inner() for _ in range(2)])

    def block_x87(self):
        where = self.variable()
        self.data.append("    dd 0")
        self.emit("fninit", f"mov dword [{where}], 12345")

        def inner():
            self.emit(f"fild dword [{where}]", self.pick("fld1", "fldpi"),
                      self.pick("faddp st1, st0", "fmulp st1, st0"), f"fistp dword [{where}]",
                      f"and dword [{where}], 0FFFFFh", f"mov eax, [{where}]")
            self.body(self.int(1, 3), 0.5)
            self.mix("eax")
        self.loop(self.int(17, 40), inner)

    def a20(self, on):
        """By port 92h, the keyboard controller's commands, or its output port."""
        way = self.int(0, 4)
        if way <= 2:
            self.emit("in al, 92h", "or al, 2" if on else "and al, 0FCh", "out 92h, al")
        else:
            self.keyboard_command(0xDF if on else 0xDD) if way == 3 else self.keyboard_command(0xD1,
                                                                                               0xDF if on else 0xDD)
        self.emit("cmp ax, bx")

    def keyboard_command(self, *values):
        """A command, and a byte for it."""
        for port, value in zip((0x64, 0x60), values):
            again = self.label()
            self.place(again)
            self.emit("in al, 64h", "test al, 2", f"jnz {again}", f"mov al, {value}", f"out {port}, al")

    def block_a20(self):
        """Two routines 1 MiB apart; and memory that is one or two."""
        self.without("ecx", "ebp")
        routines = [(self.label(), self.label()) for _ in range(2)]
        over, at = self.label(), self.pick(0x700, 0x7F8, 0xFF8 - 0x800)
        self.emit(f"jmp {over}")
        for name, end in routines:
            self.place(name)
            self.emit(f"mov eax, {self.value(4)}")
            for _ in range(self.int(1, 4)):
                self.pick(self.alu, self.unary, self.port)()
            self.mix("eax")
            self.emit("retf")
            self.place(end)
        self.place(over)

        def copy(which, segment, on):
            name, end = routines[which]
            self.a20(on)
            self.emit(f"mov ax, {segment}", "mov es, ax", f"mov esi, {name}", f"mov edi, {at + (16 if segment else 0)}",
                      f"mov ecx, {end} - {name}",
                      "cld", "rep movsb", "cmp ax, bx")
        copy(0, 0, True)
        copy(1, 0xFFFF, True)

        def inner():
            kind = self.int(0, 5)
            if kind == 0:
                self.a20(self.chance(0.5))
            elif kind == 1:
                self.emit("mov al, [sum]", "and al, 2", "out 92h, al", "cmp ax, bx")
            elif kind == 2:
                self.emit("mov ax, 0FFFFh", "mov es, ax", f"mov ebx, [es:{at + 16 + self.pick(0, 1)}]", "xor eax, ebx")
                self.mix("ebx")
            elif kind == 3:
                self.emit("mov ax, 0FFFFh", "mov es, ax", f"mov ebx, [sum]", f"mov [es:{at + 18}], ebx")
            self.emit(self.pick(f"call 0FFFFh:{at + 16}", f"call 0FFF0h:{at + 0x100}", f"call 0:{at}",
                                f"call 0FFFFh:{at + 16}"))
        self.loop(self.int(20, 120), lambda: [inner() for _ in range(self.int(1, 2))])
        self.a20(True)

    # --- protected mode, and what it leaves behind ---

    def enter(self, selector):
        """To protected mode, interrupts off, everything loaded. 16-bit code follows if the selector's is."""
        here, code32 = self.label(), SELECTORS[selector][3] & 4 if SELECTORS[selector] else selector == 0x50
        base = self.code_base.get(selector, 0)
        self.emit("cli", f"mov [saved_sp], esp", "lgdt [gdt_pointer]", "lidt [idt_pointer]", "mov eax, cr0",
                  self.pick("or al, 1", "inc ax"),
                  "mov cr0, eax" if self.chance(0.8) else "lmsw ax", f"jmp dword {selector}:{here} - {base}")
        self.place(here)
        self.bits, self.real_base, self.cbase, self.protected = 32 if code32 else 16, self.cbase, base, True
        self.lines.append(f"    bits {self.bits}")
        self.emit("mov ax, 10h" if self.chance(0.6) else "mov ax, 20h", "mov ds, ax",
                  f"mov ax, {self.pick(0x28, 0x60)}", "mov es, ax",
                  f"mov ax, {self.pick(0x10, 0x30, 0x38)}", "mov fs, ax", "mov ax, 10h", "mov gs, ax")
        stack = self.pick(0x10, 0x20, 0x40, 0x48)
        self.flat_stack = stack == 0x10
        self.emit(f"mov ax, {stack}", "mov ss, ax", "mov esp, [saved_sp]" if stack in (0x10,
                                                                                       0x20) else "mov esp, 8000h")

    def leave(self, unreal=False):
        """Back to real mode; data segments of 64 KiB, or of 4 GiB still."""
        here, real = self.label(), self.label()
        self.emit("cli", f"jmp 18h:{here}")
        self.place(here)
        self.lines.append("    bits 16")
        self.bits, self.cbase, self.protected = 16, self.real_base, False
        self.emit(f"mov ax, 20h", "mov ss, ax", "movzx esp, sp", f"mov ax, {0x10 if unreal else 0x20}", "mov ds, ax",
                  "mov es, ax", "mov fs, ax",
                  "mov gs, ax", "lidt [real_idt]", "mov eax, cr0", "and al, 0FEh", "mov cr0, eax",
                  f"jmp {self.cbase // 16}:{real} - {self.cbase}")
        self.place(real)
        self.emit("xor ax, ax", "mov ds, ax", "mov fs, ax", "mov gs, ax", "mov ss, ax", "mov esp, [saved_sp]")
        self.set_es()
        self.emit("cmp ax, bx", "sti")

    def pm_call(self):
        kind, i = self.int(0, 3), self.int(0, 2)
        routine, over = self.label(), self.label()
        if kind == 0 or (kind == 1 and self.bits == 16):
            self.emit(f"int {0x60 + i:#x}")
        elif kind == 1:
            self.emit(f"mov esi, {routine} - {self.cbase}", "call esi", f"jmp {over}")
            self.place(routine)
            self.body(2, 0.4)
            self.emit("ret")
            self.place(over)
        elif kind == 2:
            self.emit(f"call {routine}", f"jmp {over}")
            self.place(routine)
            self.body(2, 0.4)
            self.emit("ret")
            self.place(over)
        else:
            selector = 8 if self.bits == 32 else 0x18
            self.emit(f"call {selector}:{routine}", f"jmp {over}")
            self.place(routine)
            self.pick(self.alu, self.unary, self.port)()
            self.emit("retf")
            self.place(over)
        self.emit("cmp ax, bx")

    def pm_memory(self):
        """Above 1 MiB, expand-down, by other segments."""
        kind = self.int(0, 4)
        reg, other = self.pick("esi", "edi", "ebx"), "eax"
        if kind == 0:
            self.emit(f"and {reg}, 0FFFCh", f"mov [gs:{reg} + {self.pick(0x100000, 0x200000, 0x1FFFFE)}], eax",
                      f"add eax, [gs:{reg} + {self.pick(0x100000, 0x200000)}]")
        elif kind == 1:
            self.emit("mov ax, 38h", "mov fs, ax", f"and {reg}, 0FFFh", f"or {reg}, 1000h", f"xor [fs:{reg}], eax",
                      f"mov eax, [fs:{reg} + 8]")
        elif kind == 2:
            self.emit("mov ax, 30h", "mov fs, ax", f"and {reg}, 3FFFh", f"mov [fs:{reg}], bl",
                      f"mov al, [fs:{reg} + 1]")
        elif kind == 3:
            self.emit(f"and {reg}, 7FFFh", f"mov [gs:{reg} + 0A0000h], ax", f"mov ax, [gs:{reg} + 0A0000h]")
        else:
            self.emit("push eax", "pop ebx", "pushfw", "pop ax", "and ax, 0ED5h")
        self.emit("cmp ax, bx")

    def pm_fault(self):
        """Beyond a limit, by one access. Only on a stack of 32 bits without a base (oddity FRAME)."""
        if not self.flat_stack:
            return
        here = self.label()
        self.settle()
        self.emit(f"mov dword [resume], {here} - {self.cbase}", "mov ax, 38h", "mov fs, ax", "mov esi, [sum]",
                  "and esi, 1FFFh",
                  "mov bl, [fs:esi]")
        self.place(here)
        self.mix("ebx")

    def block_protected(self):
        self.enter(self.pick(0x08, 0x08, 0x18, 0x50, 0x58))
        interrupts = self.chance(0.6)
        self.may_interrupt = False
        self.start_registers()
        if interrupts:
            self.emit("sti")

        def inner():
            for _ in range(self.int(1, 4)):
                self.pick(lambda: self.body(self.int(1, 4)), self.pm_memory, self.pm_call, self.switch, self.mix,
                          self.pm_fault,
                          self.patch)()
        if self.chance(0.7):
            self.without("ecx", "ebp")
        self.loop(self.int(17, 100), inner)
        if interrupts and self.chance(0.3):
            self.loop(3, lambda: self.emit("hlt", "mov eax, [ticks]"))
        self.may_interrupt = True
        self.leave(unreal=self.chance(0.2))
        self.free = list(REGS)
        if self.chance(0.3):
            self.loop(20, lambda: self.body(3))

    def block_unreal(self):
        """Real mode with 4 GiB data segments; perhaps left so."""
        self.enter(0x18)
        self.leave(unreal=True)
        self.a20(True)
        self.without("ecx", "ebp")
        self.set_es()

        def high():
            reg = self.pick("esi", "edi")
            self.emit(f"and {reg}, 0FFFCh", f"add {reg}, {self.pick(0x100000, 0x200000, 0xA0000, 0x10000, 0x300000)}",
                      self.pick(f"mov [{reg}], eax", f"mov eax, [{reg}]", f"xor [{reg}], bl", f"mov bx, [{reg} + 1]",
                                f"inc dword [{reg}]"))

        def stringy():
            self.emit("push es", "xor ax, ax", "mov es, ax", f"mov esi, {DAT}",
                      f"mov edi, {self.pick(0xA0010, 0x100010, 0x2FFF0, 0x1FFFFC)}",
                      f"mov ecx, {self.int(1, 40)}", f"a32 rep {self.pick('movsb', 'movsd', 'stosd', 'movsw')}",
                      "pop es")

        def inner():
            for _ in range(self.int(1, 4)):
                self.pick(high, high, lambda: self.body(2), stringy, self.patch, self.mix)()
        self.loop(self.int(17, 100), inner)
        if self.chance(0.7):
            self.enter(0x18)
            self.leave()

    # --- code from disks ---

    def block_disk(self):
        """Overlays over each other, by the BIOS."""
        self.without("ecx", "ebp")

        def load():
            sector = OVERLAY_SECTOR + self.int(0, OVERLAYS - 1)
            self.emit("xor ax, ax", "mov es, ax", f"mov bx, {OVERLAY_AT}", f"mov ax, {sector}", "mov cx, 1",
                      "call 0:read_far", "cmp ax, bx")

        def call():
            self.emit("mov eax, [sum]", f"call 0:{OVERLAY_AT}")
            self.mix("eax")
        load()

        def inner():
            if self.chance(0.7):
                load()
            call()
            self.loop(self.int(1, 20), call)
        # Each read takes two turns of the disk in virtual time, and many thousand ticks of a fast timer.
        self.emit("cli", "mov al, 36h", "out 43h, al", "mov al, 0", "out 40h, al", "mov al, 40h", "out 40h, al", "sti")
        self.loop(self.int(3, 5), lambda: [inner() for _ in range(2)])
        self.rate()
        if not hasattr(self, "has_read"):
            self.has_read = True
            over = self.label()
            self.emit(f"jmp {over}")
            self.place("read_far")
            self.emit("call 0:read_near", "retf")
            self.place("read_near")
            self.emit("push cs", "call disk_read", "pop ax", "retf")
            self.place(over)

    def block_ide(self):
        """A sector of the hard disk into code or data, by its ports."""
        self.without("ecx", "ebp")

        def inner():
            sector = self.int(0, OVERLAYS - 1)
            wait, ready = self.label(), self.label()
            self.emit("cli", "mov dx, 3F6h", "mov al, 2", "out dx, al")
            for port, value in ((0x1F2, 1), (0x1F3, sector + 1), (0x1F4, 0), (0x1F5, 0), (0x1F6, 0xE0), (0x1F7, 0x20)):
                self.emit(f"mov dx, {port}", f"mov al, {value}", "out dx, al")
            self.emit("sti")
            self.place(wait)
            self.emit("in al, dx", "test al, 80h", f"jnz {wait}", "test al, 8", f"jz {wait}", "mov ax, 0", "mov es, ax")
            self.emit(f"mov edi, {OVERLAY_AT}", "mov ecx, 256", "mov dx, 1F0h", "cld", "rep insw", "mov eax, [sum]")
            again = self.label()
            self.emit("mov ecx, 20")
            self.place(again)
            self.emit(f"call 0:{OVERLAY_AT}", "dec ecx", f"jnz {again}")
            self.mix("eax")
        self.loop(self.int(10, 30), lambda: [inner() for _ in range(2)])


def overlay(rng):
    """A routine of a sector: EAX to EAX, far return."""
    code = bytearray()
    for _ in range(rng.randint(1, 30)):
        code += rng.choice((b"\x66\x05" + rng.randbytes(4), b"\x66\x35" + rng.randbytes(4),
                            b"\x66\xc1\xc0" + bytes([rng.randint(1, 31)]),
                            b"\x66\x40", b"\x66\xf7\xd0", b"\x66\x0f\xc8", b"\xe4\x61"))
    code += b"\x66\x3d\x00\x00\x00\x00\xcb"
    return bytes(code) + rng.randbytes(512 - len(code))
