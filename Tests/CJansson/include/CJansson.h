// The JSON library Jansson as the judge of our own parser, for the unit tests only. `swift build`
// makes this target as well, so the header is empty where Jansson is not installed: who only builds
// the programs does not need it.
#pragma once

#if __has_include(<jansson.h>)
#include <jansson.h>
#endif
