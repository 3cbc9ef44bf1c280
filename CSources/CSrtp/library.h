// libsrtp2 itself, which is one for the process.
#pragma once

#include "CSrtp.h"

#include <srtp2/srtp.h>

// Starts libsrtp2 when it has not been started, and lets sessions made from now on have `kind` of
// cryptography. NULL, or what failed; then there may be none. Unlock it after the sessions are
// made, in either case. Any thread.
const char *csrtp_lock_library(enum csrtp_cryptography kind);
void csrtp_unlock_library(void);
