#include "CPacketLoop.h"
