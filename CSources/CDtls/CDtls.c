#include "CDtls.h"
