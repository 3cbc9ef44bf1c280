#include "CSteering.h"
