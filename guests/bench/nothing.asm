; nothing - ends as soon as it runs: what is measured is the way there.

%include "boot.inc"

guest_main:
    exit_with 0
    guest_end
