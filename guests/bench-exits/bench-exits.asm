; bench-exits - the same device access N times, and nothing else: for measuring
; what an exit costs, and what a cluster makes of it.
;
; guest_param (offset 20h of the image, dword): N, 10,000 unless changed.
; guest_flag (offset 24h, byte): which access
;     0  out 80h, al                  1  in al, 61h
;     2  store to VGA memory          3  load from VGA memory
;     4  rep outsb to port 80h        5  an index/data pair of the VGA
; The VGA is in mode 13h for 2 and in mode 12h for 3, where the store needs the
; chain and the load the latches.
;
; Exit codes: 0 done; 1 no such variant; 2 the count did not come out.

%define GUEST_PARAM 10000
%include "boot.inc"
%include "vga.inc"

OUTSB_CHUNK     equ 4096

guest_main:
    mov ecx, [guest_param]
    movzx bx, byte [guest_flag]
    cmp bx, (variants.end - variants) / 2
    fail_if ae, 1
    test ecx, ecx
    jz .done
    add bx, bx
    call [variants + bx]
    test ecx, ecx
    fail_if nz, 2
.done:
    exit_with 0

variants:
    dw run_out, run_in, run_store, run_load, run_outsb, run_pair
.end:

run_out:
    xor al, al
.next:
    out DELAY_PORT, al
    dec ecx
    jnz .next
    ret

run_in:
    in al, 61h
    dec ecx
    jnz run_in
    ret

run_store:
    set_mode 13h
    mov ax, VRAM_SEG
    mov es, ax
    xor di, di
.next:
    mov [es:di], al
    dec ecx
    jnz .next
    ret

run_load:
    set_mode 12h
    mov ax, VRAM_SEG
    mov es, ax
    xor di, di
.next:
    mov al, [es:di]
    dec ecx
    jnz .next
    ret

run_outsb:
    mov ebx, ecx
    mov dx, DELAY_PORT
.chunk:
    mov ecx, OUTSB_CHUNK
    cmp ecx, ebx
    jbe .whole
    mov ecx, ebx
.whole:
    sub ebx, ecx
    mov si, boot_start
    rep outsb
    test ebx, ebx
    jnz .chunk
    ret

run_pair:
    mov dx, GC_INDEX
.next:
    mov al, GC_BIT_MASK
    out dx, al
    inc dx
    mov al, cl
    out dx, al
    dec dx
    dec ecx
    jnz .next
    ret

    guest_end
