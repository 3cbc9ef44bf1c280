// The memory of this process, as the kernel and malloc see it. Not for the packet path.
#pragma once

#include <stddef.h>

// Makes malloc take blocks of 128 KiB and more from the system one by one, so that each goes back
// as it is freed. (Left alone malloc raises that mark with the first large block that is freed, up
// to 32 MiB, and keeps what is below it.) To be called before other threads exist.
void cm_set_up(void);

// Bytes that the kernel keeps in memory for this process; 0 when it does not tell.
size_t cm_resident_bytes(void);

// Bytes that were taken from malloc and not freed. Looks at each arena for up to a millisecond or
// two, in which its threads wait for memory if they need any.
size_t cm_used_bytes(void);

// Gives every free page of malloc's back to the system. Takes about 0.12 ms for each MiB, in which
// threads of the same arena wait for memory if they need any.
void cm_trim(void);
