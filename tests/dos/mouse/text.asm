; The cursor in text modes, as it is in display memory. The script waits between the steps.
%include "print.inc"

begin:  mov ax, 3
        int 10h
        mov ax, 0B800h
        mov es, ax
        mov di, 0
        mov cx, 4096            ; two pages
        mov al, 'a'
.fill:  mov ah, cl
        stosw
        inc al
        cmp al, 'z' + 1
        jne .more
        mov al, 'a'
.more:  loop .fill
        mov ax, 0
        int 33h
        mov si, steps
.next:  cmp byte [si], 0
        je .done
        call one
        jmp .next
.done:  call movement
        jmp modes

; Calls the driver. What that does to display memory is kept in `log_` and printed at the end: printing changes it, too.
one:    push si
.name:  lodsb
        test al, al
        jnz .name
        lodsw
        mov di, ax
        lodsw
        mov bx, ax
        lodsw
        mov cx, ax
        lodsw
        mov dx, ax
        push si
        lodsw
        mov si, ax
        mov ax, di
        mov di, [si + 2]        ; where the region ends: SI, DI
        mov si, [si]
        int 33h
        pop si
        lodsw
        pop di
        mov [named], di
        call note
        ret

; Writes to the log: the name's address, the cells that are not as they were filled: up to four of address and contents; the
; hardware cursor.
note:   pusha
        push es
        mov ax, 0B800h
        mov es, ax
        mov bx, [log_at]
        mov ax, [named]
        mov [bx], ax
        add bx, 2
        mov di, 0
        mov cx, 4096
        mov dl, 'a'
.cell:  mov ax, [es:di]
        cmp al, dl
        jne .differs
        cmp ah, cl
        je .same
.differs:
        mov [bx], di
        mov [bx + 2], ax
        add bx, 4
.same:  add di, 2
        inc dl
        cmp dl, 'z' + 1
        jne .more
        mov dl, 'a'
.more:  loop .cell
        mov word [bx], 0FFFFh
        add bx, 2
        mov dx, 3D4h
        mov cx, 4
        mov si, crtc
.register:
        lodsb
        out dx, al
        inc dx
        in al, dx
        dec dx
        mov [bx], al
        inc bx
        loop .register
        mov [log_at], bx
        pop es
        popa
        ret

; The script moves the mouse while the program waits for a key.
movement:
        mov si, moves
.next:  cmp byte [si], 0
        je .done
        mov [named], si
.skip:  lodsb
        test al, al
        jnz .skip
        call key
        call note
        jmp .next
.done:  mov ax, 2
        int 33h
        mov word [named], hidden_text
        call note
        ret

modes:  mov ax, 3
        int 10h
        mov si, log_
.next:  cmp si, [log_at]
        jae .done
        lodsw
        push si
        mov si, ax
        call text
        pop si
.cell:  lodsw
        cmp ax, 0FFFFh
        je .crtc
        call word_
        mov al, ':'
        call char
        lodsw
        call word_
        jmp .cell
.crtc:  mov al, ' '
        call char
        mov al, '/'
        call char
        lodsw
        call word_
        lodsw
        call word_
        call newline
        jmp .next
.done:  ; 40 columns: the cursor, and that a change of mode hides it
        mov ax, 1
        int 33h
        mov si, visible
        call functions
        mov ax, 1
        int 10h
        mov si, visible
        call functions
        mov ax, 1
        int 33h
        mov si, visible
        call functions
        mov ax, 4
        mov cx, 320
        mov dx, 16
        int 33h
        mov ax, 0B800h
        mov es, ax
        mov ax, [es:2 * 40 * 2 + 20 * 2]
        mov si, forty
        call text
        call word_
        call newline
        ; 50 lines
        mov ax, 3
        int 10h
        mov ax, 1112h
        mov bl, 0
        int 10h
        mov si, fifty
        call functions
        mov ax, 0B800h
        mov es, ax
        mov ax, [es:(49 * 80 + 79) * 2]
        mov si, last_cell
        call text
        call word_
        call newline
        mov ax, 3
        int 10h
        jmp exit

%macro step_ 2-6 0, 0, 0, nowhere
        db %1, 0
        dw %2, %3, %4, %5, %6
%endmacro
steps:
        step_ 'nothing', 3
        step_ 'shown in the middle', 1
        step_ 'at the left and up', 4, 0, 0, 0
        step_ 'at the right and down', 4, 0, 639, 199
        step_ 'no further', 4, 0, 2000, 2000
        step_ 'a quarter of a cell', 4, 0, 634, 194
        step_ 'hidden', 2
        step_ 'hidden twice', 2
        step_ 'once too few', 1
        step_ 'shown', 1
        step_ 'other masks', 0Ah, 0, 0FFh, 1E00h
        step_ 'another character', 0Ah, 0, 0FF00h, 2Ah
        step_ 'page 1', 1Dh, 1
        step_ 'page 0', 1Dh, 0
        step_ 'in a region', 10h, 0, 600, 100, far_region
        step_ 'out of it', 4, 0, 16, 16
        step_ 'in it again', 4, 0, 608, 112
        step_ 'shown, no region', 1
        step_ 'hardware', 0Ah, 1, 3, 11
        step_ 'elsewhere', 4, 0, 80, 80
        step_ 'software', 0Ah, 0, 77FFh, 7700h
        step_ 'disabled', 1Fh
        step_ 'enabled', 20h
        step_ 'reset', 21h
        step_ 'shown', 1
        db 0
nowhere: dw 0, 0
far_region: dw 639, 199
moves:  db 'two cells to the right', 0, 'up', 0, 'to the left, far', 0, 0
hidden_text: db 'hidden', 0
visible: function '2A', 2Ah
        db 0
forty:  db 'forty columns', 0
fifty:  function '26', 26h
        function '01', 1
        function '04', 4, 0, 639, 399
        function '03', 3
        db 0
last_cell: db 'the last cell', 0
named:  dw 0
crtc:   db 0Ah, 0Bh, 0Eh, 0Fh
log_at: dw log_
log_:
