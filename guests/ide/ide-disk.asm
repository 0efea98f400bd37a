; ide-disk - the hard disk for the guest `ide`: 8 MiB in which sector n is the
; dword n, 128 times. It is not bootable (sector 0 is all zeros).

SECTORS         equ 16384

%assign n 0
%rep SECTORS
    times 128 dd n
%assign n n + 1
%endrep
