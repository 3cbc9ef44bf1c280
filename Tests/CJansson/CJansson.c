// Only here because a C target needs a source file: the interface is the header.
#include "CJansson.h"
