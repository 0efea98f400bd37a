"""The frame around the blocks of random programs (program_blocks.py): start, passes, handlers, tables."""

from program_text import CODE_LIMIT, DAT, IDT, REGS, SELECTORS, Text, descriptor

FRAME = r"""
    %include "boot.inc"
    cpu 486
"""

# Handlers. CS is 0 in all of the real mode ones.
HANDLERS = r"""
on_fault:                       ; #DE, #BR, #GP of real mode: goes on at [resume]
    push bp
    mov bp, sp
    push ax
    mov ax, [cs:resume]
    mov [bp + 2], ax
    inc dword [cs:faults]
    pop ax
    pop bp
    iret
on_overflow:
    inc dword [cs:faults]
    iret
stopped:
    mov al, 9
    out EXIT_PORT, al
    jmp stopped
    bits 32
pm_fault_code:                  ; #GP, #SS in protected mode
    add esp, 4
pm_fault:
    push eax
    push ds
    mov ax, 10h
    mov ds, ax
    mov eax, [resume]
    mov [esp + 8], eax
    inc dword [faults]
    pop ds
    pop eax
    iretd
pm_stopped:
    mov al, 11
    out EXIT_PORT, al
    jmp pm_stopped
    bits 16
idt_gate:                       ; AX = handler, BX = vector
    shl bx, 3
    mov [bx + IDT], ax
    mov word [bx + IDT + 2], 8
    mov dword [bx + IDT + 4], 8E00h
    ret
"""

DATA = r"""
    align 4
sum: dd 1
ticks: dd 0
seconds: dd 0
resume: dd 0
faults: dd 0
depth: dd 0
saved_sp: dd 0
old_timer: dd 0
old_clock: dd 0
passes: dd 0
step: dd 0
gdt_pointer:
    dw gdt_end - gdt - 1
    dd gdt
idt_pointer:
    dw 80h * 8 - 1
    dd IDT
real_idt:
    dw 3FFh
    dd 0
"""


class Frame(Text):
    """What a program has besides its blocks; those are methods of a derived class: block_NAME, chosen by draw_names."""

    def build(self):
        """The text. `only`, a list of numbers, leaves all other blocks out."""
        self.selectors = dict(SELECTORS)
        self.code_base = {0x50: self.pick(0, 0x400, 0x1230, 0x7C00), 0x58: self.pick(0, 0x500, 0x7C00, 0x6F10)}
        for selector, access, flags in ((0x50, 0x9A, 0xC), (0x58, 0x9A, 0)):
            self.selectors[selector] = (self.code_base[selector], 0xFFFFF if flags else 0xFFFF, access, flags)
        self.selectors[0x60] = (self.int(0x20000, 0x4DFF0), self.int(0xFFFF, 0xFFFFF), 0x92, self.pick(0, 4))
        names = self.draw_names()
        self.helpers()
        self.entries = []
        for number, name in enumerate(names):
            state = self.rng.getstate()
            self.block(number, name, self.only is None or number in self.only)
            self.rng.setstate(state)
            self.rng.random()
        self.frame()
        return "\n".join(self.lines), names

    # --- the frame ---

    def block(self, number, name, wanted):
        """A block is called far, with CS of any alias whose base lies below it."""
        rng = self.rng
        self.rng = type(rng)(f"{rng.random()} {number}")
        self.cbase = 16 * self.pick(0, 0, 0, 0x40, 0x123, 0x700)
        self.free, self.bits, self.protected = list(REGS), 16, False
        label = f"block_{number}"
        if wanted:
            self.lines.append(f"    ; {name}")
            self.place(label)
            if self.chance(0.5):
                self.rate()
            self.set_es()
            self.start_registers()
            getattr(self, f"block_{name}")()
            self.emit("retf")
            self.entries.append((label, self.cbase))
        self.rng = rng

    def helpers(self):
        """Routines that blocks call: near (CS-relative), far, by INT."""
        for i in range(3):
            self.place(f"near_{i}")
            self.body(self.int(2, 5), 0.2)
            self.emit("ret")
            self.place(f"far_{i}")
            self.body(self.int(2, 5), 0.2)
            self.emit("retf")
            self.place(f"int_{i}")
            self.body(self.int(1, 4), 0.2)
            self.settle()
            self.emit("iret")
        self.bits, self.may_interrupt = 32, False
        for i in range(3):
            self.place(f"pm_int_{i}")
            self.lines.append("    bits 32")
            self.body(self.int(1, 3), 0.2)
            self.settle()
            self.emit("iretd")
        for real in (False, True):
            for name, vector in (("timer", 8), ("clock", 0x70)):
                self.handler(name, real)
        self.lines.append("    bits 16")
        self.bits, self.may_interrupt = 16, True

    def handler(self, name, real):
        """Of an interrupt; perhaps with interrupts on in its middle. Few accesses: see rate()."""
        self.bits = 16 if real else 32
        self.lines.append(f"    bits {self.bits}")
        self.place(f"{'on' if real else 'pm'}_{name}")
        self.emit("pushad", "push ds", "push es", f"mov ax, {0 if real else 0x10}", "mov ds, ax", "cld",
                  f"inc dword [{'ticks' if name == 'timer' else 'seconds'}]")
        if self.chance(0.4):
            self.set_es_of_handler(real)
            self.emit("mov edi, [ticks]")
            self.window()
        self.port()
        self.mix("eax")
        nest, out = self.chance(0.4), self.label()
        if name == "clock":
            self.emit("mov al, 0Ch", "out 70h, al", "in al, 71h", "mov al, 20h", "out 0A0h, al")
        self.emit("mov al, 20h", "out 20h, al")
        if nest:
            self.emit("cmp dword [depth], 2", f"jae {out}", "inc dword [depth]", "sti",
                      self.pick("", "in al, 61h", "nop; nop"),
                      "mov eax, [ticks]", "in al, 61h", "cli", "dec dword [depth]")
            self.mix("eax")
        self.place(out)
        if real and name == "timer" and self.chance(0.15):
            self.emit("mov al, 0", "out 43h, al", "in al, 40h", "in al, 40h")
        self.emit("pop es", "pop ds", "popad", "iret" if real else "iretd")

    def set_es_of_handler(self, real):
        self.emit(f"mov ax, {self.pick(0xA000, 0x2000, 0xB800) if real else self.pick(0x28, 0x60)}", "mov es, ax")

    def rate(self, fast=False):
        """A handler makes up to 12 accesses, of a microsecond each; two of them nested, with both lines in use. A
        program must come on between them."""
        ranges = [(70, 130)] if fast else [(70, 130), (70, 130), (70, 300), (70, 300), (300, 3000), (3000, 20000)]
        count = self.int(*self.pick(*ranges))
        self.emit("cli", f"mov al, {self.pick(0x34, 0x36)}", "out 43h, al", f"mov al, {count & 255}", "out 40h, al",
                  f"mov al, {count >> 8}", "out 40h, al", "sti")

    def clock_rate(self):
        """Of the RTC's periodic interrupt: 1024 Hz at most often."""
        on = self.chance(0.7)
        self.emit("cli", "mov al, 0Ah", "out 70h, al", f"mov al, {0x20 | self.int(3, 8)}", "out 71h, al", "mov al, 0Bh",
                  "out 70h, al",
                  f"mov al, {0x42 if on else 2}", "out 71h, al", "mov al, 0Ch", "out 70h, al", "in al, 71h", "sti")

    def frame(self):
        body, self.lines = self.lines, []
        self.lines.append(FRAME.strip("\n"))
        self.lines += [f"DAT equ {DAT}", f"IDT equ {IDT}", "guest_main:"]
        self.emit("cli", "mov eax, [8*4]", "mov [old_timer], eax", "mov eax, [70h*4]", "mov [old_clock], eax")
        for vector, to in ((0, "on_fault"), (5, "on_fault"), (13, "on_fault"), (4, "on_overflow"), (8, "on_timer"),
                           (0x70, "on_clock"), (0x60, "int_0"), (0x61, "int_1"), (0x62, "int_2")):
            self.emit(f"mov dword [{vector * 4}], {to}")
        for vector in range(0x80):
            to = {0: "pm_fault", 5: "pm_fault", 13: "pm_fault_code", 12: "pm_fault_code", 8: "pm_timer",
                  0x70: "pm_clock",
                  0x60: "pm_int_0", 0x61: "pm_int_1", 0x62: "pm_int_2"}.get(vector)
            if to:
                self.emit(f"mov ax, {to}", f"mov bx, {vector}", "call idt_gate")
        self.emit("in al, 0A1h", "and al, 0FEh", "out 0A1h, al", "in al, 21h", "and al, 0FAh", "out 21h, al", "sti")
        self.emit("xor eax, eax", f"mov di, {DAT}", "mov cx, 1024")
        self.place("fill")
        self.emit("mov [di], eax", "imul eax, eax, 1664525", "add eax, 1013904223", "add di, 4", "dec cx", "jnz fill")
        self.emit(f"mov ax, {self.pick(3, 0xD, 0xE, 0x12, 0x13, 0x13, 0x10)}", "int 10h")
        self.rate()
        if self.chance(0.5):
            self.clock_rate()
        self.emit(f"mov word [passes], {self.int(2, 3)}")
        self.place("next_pass")
        for label, cbase in self.entries:
            again = self.label()
            self.emit(f"mov word [step], {self.int(1, 2)}")
            self.place(again)
            self.emit(f"call {cbase // 16}:{label} - {cbase}")
            self.emit("cli", "xor ax, ax", "mov ds, ax", "cld", "sti", "cmp ax, ax", "mov eax, esi")
            self.mix("eax")
            self.emit("dec word [step]", f"jnz {again}")
        self.emit("call sum_data", "dec word [passes]", "jnz near next_pass")
        self.emit("cli", "mov eax, [old_timer]", "mov [8*4], eax", "mov eax, [old_clock]", "mov [70h*4], eax",
                  "mov eax, [sum]", "mov [guest_result], eax", "xor al, al", "jmp guest_exit")
        self.place("sum_data")
        self.emit(f"mov si, {DAT}", "mov cx, 1024")
        self.place("sum_next")
        self.emit("lodsd")
        self.mix("eax")
        self.emit("dec cx", "jnz sum_next", "ret")
        self.lines.append(HANDLERS)
        self.lines += body
        self.lines.append(DATA)
        self.lines.append("gdt: dq 0")
        for selector in sorted(self.selectors):
            self.lines.append(f"    dq {descriptor(*self.selectors[selector]):#x}")
        self.lines.append("gdt_end:")
        self.lines += self.data
        self.lines += [f"%if $ - boot_start > {CODE_LIMIT} - 7C00h", '%error "too long"', "%endif", "    guest_end"]
