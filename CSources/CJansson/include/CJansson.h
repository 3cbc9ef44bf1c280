// The JSON library (Jansson), as the Settings module sees it. Nothing of ours: Jansson's own header
// is small enough to be the interface, and its inline reference counting comes through as it is.
#pragma once

#include <jansson.h>
