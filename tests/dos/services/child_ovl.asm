; CHILD.OVL: an overlay without a header: a far function.
bits 16
org 0
        mov ax, cs
        add ax, 3
        retf
