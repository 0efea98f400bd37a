/* Transfers that load CS: delivery through the IVT or IDT, far jumps, calls and returns. */
#ifndef HUDDLE_CLUSTER_INTERP_FAR_H
#define HUDDLE_CLUSTER_INTERP_FAR_H

#include "cluster/segment.h"

/* Delivers `vector`, pushing `return_eip`. On INTERP_DONE x->next_eip is the handler. `software`: an INT
 * instruction (EXT clear in error codes). */
enum interp_result deliver(struct exec *x, u8 vector, bool software, bool has_error, u32 error, u32 return_eip);

enum interp_result far_jump(struct exec *x, u8 size, u16 selector, u32 offset);
enum interp_result far_call(struct exec *x, u8 size, u16 selector, u32 offset);
/* `drop`: bytes of parameters released behind the return address. */
enum interp_result far_return(struct exec *x, u8 size, u32 drop);
enum interp_result far_iret(struct exec *x, u8 size);

#endif
