; Movement, buttons, and what makes of mickeys pixels. The script moves the mouse at each step.
%include "print.inc"

begin:  mov ax, 3
        int 10h
        mov si, first
        call functions
.next:  cmp byte [si], 0
        je .done
        call step
.skip:  lodsb
        test al, al
        jnz .skip
        push si
        mov si, after
        call functions
        pop si
        call functions          ; the next step's
        jmp .next
.done:  mov si, clicks
        call functions
        jmp exit

after:  function '03', 3
        function '0B', 0Bh
        db 0
first:  function '00', 0
        function '13', 13h, 0, 0, 10000
        db 0
        db 'step 1', 0
        function '0F ratio', 0Fh, 0, 16, 8
        db 0
        db 'step 2', 0
        function '07', 7, 0, 104, 200
        function '0B', 0Bh
        db 0
        db 'step 3', 0
        db 0
        db 'step 4', 0
        function '07', 7, 0, 0, 639
        function '0F', 0Fh, 0, 8, 8
        function '04', 4, 0, 0, 0
        function '1A', 1Ah, 100, 25, 50
        db 0
        db 'step 5', 0
        function '1A', 1Ah, 50, 50, 50
        function '13', 13h, 0, 0, 64
        function '04', 4, 0, 0, 0
        db 0
        db 'step 6', 0
        function '1F', 1Fh
        db 0
        db 'step 7', 0
        function '20', 20h
        db 0
        db 'step 8', 0
        function '0F', 0Fh, 0, 1, 1
        function '08', 8, 0, -32768, 32767
        function '07', 7, 0, -32768, 32767
        db 0
        db 'step 9', 0
        db 0
        db 'step A', 0
        db 0
        db 0
clicks: function '27', 27h
        function '05 left', 5, 0
        function '05 left again', 5, 0
        function '05 right', 5, 1
        function '05 middle', 5, 2
        function '06 left', 6, 0
        function '06 right', 6, 1
        function '06 middle', 6, 2
        db 0
