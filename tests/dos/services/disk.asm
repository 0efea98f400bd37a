; Sectors: INT 25h and 26h in both forms, with their errors, and what DOS sees of what they write; AX=440Dh, AH=69h, 32h. Drives: C: a
; directory, E: a floppy that may not be written to, F: one that may, G: a partition too large for the form of DOS 3.
%include "service.inc"
%macro sectors 2        ; interrupt, label
        mov byte [int_number], %1
        call by_sector
        call tell_result
        db %2, 0
%endmacro
%macro packet 4         ; interrupt, drive, sector, label; of one sector, to or from `buffer`
        mov eax, %3
        mov [request], eax
        mov word [request + 4], 1
        mov word [request + 6], buffer
        mov [request + 8], ds
        mov al, %2
        mov cx, -1
        mov bx, request
        sectors %1, %4
%endmacro
%macro ioctl 3          ; drive's number, function, label
        mov bl, %1
        mov cx, 0800h + %2
        mov dx, buffer
        mov ax, 440Dh
        dos %3
%endmacro
        jmp main

; The interrupt, with registers as they are. The caller's flags stay on the stack; AX = BAADh: they do not, or BX has changed.
by_sector:
        mov [sp_was], sp
        mov [bx_was], bx
        db 0CDh
int_number: db 0
        pop word [flags_left]
        mov [sp_now], sp
        pushf
        push ax
        mov ax, [sp_now]
        cmp ax, [sp_was]
        jne .bad
        cmp bx, [bx_was]
        jne .bad
        pop ax
        popf
        ret
.bad:   mov sp, [sp_was]
        mov ax, 0BAADh
        stc
        ret

; Clusters that are free on F:
free:   mov dl, 6
        mov ah, 36h
        int 21h
        ret

; The first two sectors of F:'s table, from INT %1, to or from `table`; and to its second copy.
read_table:
        mov al, 5
        mov cx, 2
        mov dx, 1
        mov bx, table
        sectors 25h, 'read the table'
        ret
write_table:
        mov al, 5
        mov cx, 2
        mov dx, 1
        mov bx, table
        sectors 26h, 'write the table'
        mov al, 5
        mov cx, 2
        mov dx, 1 + 9
        mov bx, table
        sectors 26h, 'and its copy'
        ret

main:   begin
        mov al, 5
        mov cx, 1
        mov dx, 0
        mov bx, buffer
        sectors 25h, 'F: boot sector'
        bytes 'sector size and on', buffer + 11, 19
        mov al, 5
        mov cx, 2
        mov dx, 1
        mov bx, buffer
        sectors 25h, 'F: two sectors'
        bytes 'table', buffer, 4
        mov al, 5
        mov cx, 0
        mov dx, 1
        mov bx, buffer
        sectors 25h, 'F: none'
        packet 25h, 5, 1, 'F: by packet'
        bytes 'table', buffer, 4
        mov al, 5
        mov cx, 2
        mov dx, 2879
        mov bx, buffer
        sectors 25h, 'F: one too many'
        packet 25h, 5, 2880, 'F: behind its end'
        packet 25h, 5, 0FFFFFFFFh, 'F: the last number'
        packet 26h, 5, 2880, 'F: write behind its end'
        packet 25h, 2, 0, 'a directory'
        packet 26h, 2, 0, 'write a directory'
        packet 25h, 23, 0, 'no drive'
        packet 25h, 4, 0, 'E: read'
        packet 26h, 4, 0, 'E: write'
        mov al, 6
        mov cx, 1
        mov dx, 0
        mov bx, buffer
        sectors 25h, 'G: without packet'
        packet 25h, 6, 0, 'G: with one'
        bytes 'hidden sectors', buffer + 28, 4
        packet 25h, 6, 70000, 'G: far behind'

        ; a file by its sectors
        mov dx, file
        xor cx, cx
        mov ah, 3Ch
        dosax 'create'
        mov bx, ax
        mov dx, contents
        mov cx, 700
        mov ah, 40h
        dosax 'write'
        mov ah, 3Eh
        dos 'close'
        packet 25h, 5, 19, 'root directory'
        bytes 'the label', buffer, 12
        bytes 'the file', buffer + 32, 12
        mov ax, [buffer + 32 + 26]
        mov [cluster], ax
        add ax, 33 - 2
        mov [sector], ax
        packet 25h, 5, [sector], 'its first sector'
        bytes 'which is', buffer, 8
        mov byte [buffer], 'S'
        packet 26h, 5, [sector], 'changed'
        mov dx, file
        mov ax, 3D02h
        dosax 'open'
        mov [handle], ax
        mov bx, ax
        mov dx, scratch
        mov cx, 4
        mov ah, 3Fh
        dosax 'read'
        bytes 'which is', scratch, 4
        ; what the open file has got, the table on the disk has
        mov cx, 0
        mov dx, 0
        mov ax, 4202h
        int 21h
        mov dx, contents
        mov cx, 700
        mov ah, 40h
        dosax 'append'
        call read_table
        mov bx, [cluster]
        mov ax, bx
        shr ax, 1
        add bx, ax
        mov ax, [table + bx]
        test byte [cluster], 1
        jz .even
        shr ax, 4
.even:  and ax, 0FFFh
        sub ax, [cluster]
        show 'the next cluster is', ax
        ; bad clusters
        call free
        mov [free_was], bx
        mov di, table + 300
        mov cx, 5
.bad:   mov word [di], 7FF7h
        mov byte [di + 2], 0FFh
        add di, 3
        loop .bad
        call write_table
        call free
        sub [free_was], bx
        show 'ten bad clusters', [free_was]
        mov bx, [handle]
        mov ah, 3Eh
        dos 'close'
        ; another name
        packet 25h, 5, 19, 'root directory'
        mov dword [buffer + 32], 'RAW '
        packet 26h, 5, 19, 'another name in it'
        mov dx, file
        mov ax, 4300h
        dos 'the old name'
        mov dx, raw
        mov ax, 3D00h
        dosax 'the new name'
        mov bx, ax
        xor cx, cx
        xor dx, dx
        mov ax, 4202h
        dosax 'its size'
        mov ah, 3Eh
        int 21h

        ; serial number and label
        ioctl 6, 66h, 'F: get its identity'
        bytes 'label and kind', buffer + 6, 19
        mov dword [buffer + 2], 12345678h
        ioctl 6, 46h, 'F: set it'
        mov bl, 6
        mov dx, buffer
        mov ax, 6900h
        dos 'F: AH=69h'
        bytes 'serial number', buffer + 2, 4
        packet 25h, 5, 0, 'boot sector'
        bytes 'serial number', buffer + 27h, 4
        ioctl 5, 46h, 'E: set it'
        ioctl 3, 46h, 'C: set it'
        ioctl 3, 66h, 'C: get it'
        bytes 'label and kind', buffer + 6, 19

        ; the layout
        mov byte [buffer], 0
        ioctl 6, 60h, 'F: parameters'
        bytes 'which are', buffer, 36
        ioctl 7, 60h, 'G: parameters'
        bytes 'which are', buffer, 36
        mov bl, 5
        mov ax, 4408h
        dosax 'is E: fixed'
        mov bl, 7
        mov ax, 4408h
        dosax 'is G: fixed'
        mov dl, 6
        mov ah, 32h
        call block
        bytes 'F: DPB', scratch, 18
        bytes 'media', scratch + 17h, 1
        mov dl, 7
        mov ah, 32h
        call block
        bytes 'G: DPB', scratch, 18
        bytes 'media', scratch + 17h, 1

        ; tracks
        mov dword [buffer], 0
        mov dword [buffer + 4], 0
        mov word [buffer + 7], 1
        mov word [buffer + 9], table
        mov [buffer + 11], ds
        ioctl 7, 61h, 'G: the first sector of the disk'
        bytes 'which ends with', table + 510, 2
        bytes 'kind of partition', table + 1C2h, 1
        ioctl 7, 41h, 'G: written back'
        mov word [buffer + 1], 16
        ioctl 7, 61h, 'G: no such head'
        mov word [buffer + 1], 0
        ioctl 7, 62h, 'G: verify'
        mov word [buffer + 3], 0FFFFh
        ioctl 7, 62h, 'G: verify what is not there'
        mov word [buffer + 3], 0
        ioctl 3, 61h, 'C: read a track'
        ioctl 5, 41h, 'E: write a track'
        ioctl 3, 67h, 'C: access'
        bytes 'is allowed', buffer + 1, 1
        ioctl 3, 42h, 'C: no function'
        mov bl, 6
        mov cx, 0861h
        mov ax, 4411h
        dos 'F: can it be asked for a track'
        mov bl, 3
        mov cx, 0861h
        mov ax, 4411h
        dos 'C: can it'
        finish

; AH=32h, its block to `scratch`
block:  int 21h
        push cs
        pop es
        mov si, bx
        mov di, scratch
        mov cx, 33
        rep movsb
        push cs
        pop ds
        ret
        section .data
file:   db 'F:\FILE.TXT', 0
raw:    db 'F:\RAW.TXT', 0
sector: dd 0
contents: times 100 db 'sector '
        section .bss
request: resb 16
buffer: resb 1024
table:  resb 1024
sp_was: resw 1
sp_now: resw 1
bx_was: resw 1
flags_left: resw 1
cluster: resw 1
handle: resw 1
free_was: resw 1
