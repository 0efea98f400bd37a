/* Promotion and demotion with hysteresis and decay. See leave_point.h. */
#include "leave_point.h"

bool leave_point_leave(struct leave_point *point)
{
    if (point->horizons_left) {
        point->horizons_left--;
        return false;
    }
    if (++point->leaves % LEAVE_POINT_WEAR == 0 && point->shift)
        point->shift--;
    point->horizons_left = BIT(point->shift) - 1;
    return true;
}

void leave_point_judge(struct leave_point *point, bool too_early)
{
    s8 verdict = too_early ? 1 : -1;
    bool again = point->verdict == verdict;
    point->verdict = again ? 0 : verdict;
    if (again && too_early && point->shift < LEAVE_POINT_MAX_SHIFT)
        point->shift++;
    else if (again && !too_early && point->shift)
        point->shift--;
}
