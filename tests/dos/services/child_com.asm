; CHILD.COM: what EXEC.ASM starts. The first letter of its command line says how it ends.
bits 16
cpu 386
org 100h
        mov al, [82h]
        cmp al, 'a'
        je by_4c
        cmp al, 'b'
        je by_20
        cmp al, 'c'
        je by_00
        cmp al, 'd'
        je by_call5
        cmp al, 'e'
        je by_ret
        cmp al, 'f'
        je by_31
        cmp al, 'g'
        je by_27
        cmp al, 'h'
        je by_int23
        cmp al, 'i'
        je by_divide
        cmp al, 'j'
        je vectors
        cmp al, 'k'
        je handles
        cmp al, 'l'
        je fcbs
        cmp al, 'm'
        je environment
        mov ax, 4CEEh
        int 21h
by_4c:  mov ax, 4C41h
        int 21h
by_20:  int 20h
by_00:  mov ah, 0
        int 21h
by_call5:
        mov cl, 0
        call 5
by_ret: ret
by_31:  mov ax, 3542h
        mov dx, resident
        mov ax, 2560h
        int 21h
        mov dx, 30h
        mov ax, 3131h
        int 21h
by_27:  mov dx, resident2
        mov ax, 2561h
        int 21h
        mov dx, end
        int 27h
by_int23:
        int 23h
        int 20h
by_divide:
        xor cx, cx
        div cx
        mov ax, 4C02h
        int 21h
; INT 22h, 23h, 24h of the parent come back
vectors:
        push cs
        pop ds
        mov dx, resident
        mov ax, 2523h
        int 21h
        mov ax, 2524h
        int 21h
        mov ax, 2522h
        int 21h
        mov ax, 4C07h
        int 21h
; leaves five files open and memory taken; 5 is inherited, 6 is not
handles:
        mov bx, 1000h
        mov ah, 4Ah
        int 21h
        mov bx, 5
        mov ax, 4400h
        int 21h
        sbb bp, bp
        mov bx, 6
        mov ax, 4400h
        int 21h
        sbb si, si
        mov cx, 5
.open:  mov dx, nul
        mov ax, 3D02h
        int 21h
        loop .open
        mov bx, 100h
        mov ah, 48h
        int 21h
        mov ax, bp
        and al, 1
        and si, 2
        or ax, si
        mov ah, 4Ch
        int 21h
fcbs:   mov al, [5Dh]   ; first letters of the names in the two blocks
        xor al, [6Dh]
        mov ah, 4Ch
        int 21h
; the first letter of the environment, and of the program's name behind it
environment:
        mov es, [2Ch]
        xor di, di
        mov cx, 7FFFh
        mov bl, [es:0]
        mov al, 0
.next:  repne scasb
        scasb
        jne .next
        cmp word [es:di], 1
        jne .bad
        mov al, [es:di + 2]
        add al, bl
        mov ah, 4Ch
        int 21h
.bad:   mov ax, 4CFFh
        int 21h
resident:
        mov ax, 6031h
        iret
resident2:
        mov ax, 6127h
        iret
nul:    db 'NUL', 0
end:
