# An init that writes one word to the console and waits: what any first screen costs. x86-64 Linux, no library.
    .globl _start
_start:
    mov $1, %eax            # write(1, word, 4)
    mov $1, %edi
    lea word(%rip), %rsi
    mov $4, %edx
    syscall
wait:
    mov $34, %eax           # pause()
    syscall
    jmp wait
word:
    .ascii "BARE"
    .section .note.GNU-stack, "", @progbits
