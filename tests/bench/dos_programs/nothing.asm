; A program that ends.
bits 16
cpu 8086
org 100h
        mov ax, 4C00h
        int 21h
