// Sharing flows out among workers so that a change moves as few as can be: highest random weight.
// Each lot of flows goes to the filled slot whose weight for this lot is the highest. Taking a slot
// away moves that slot's lots alone; filling one moves only the lots that it wins.
#include "internal.h"

// The weight is a fixed mix of lot and slot (the finaliser of SplitMix64), so that an old and a new
// process share out alike. No secret is needed: the lot comes from the kernel's keyed hash.
static uint64_t weight_of(uint32_t lot, uint32_t slot)
{
    uint64_t mixed = ((uint64_t)lot << 32 | (slot + 1)) * 0x9E3779B97F4A7C15;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB;
    return mixed ^ mixed >> 31;
}

static uint8_t choose_slot(const struct steering *steering, uint32_t lot)
{
    uint8_t chosen = STEERING_NO_SLOT;
    uint64_t highest = 0;
    for (uint32_t slot = 0; slot < steering->slots; slot++) {
        if (!steering->is_filled[slot])
            continue;
        uint64_t weight = weight_of(lot, slot);
        if (chosen != STEERING_NO_SLOT && weight <= highest)
            continue;
        chosen = (uint8_t)slot;
        highest = weight;
    }
    return chosen;
}

void steering_share_lots(struct steering *steering)
{
    for (uint32_t lot = 0; lot < STEERING_LOTS; lot++) {
        steering->settings.slot_of_lot[lot] = choose_slot(steering, lot);
    }
}
