#include "CSrtp.h"
