/* IBM PS/2 Hardware Interface Technical Reference, "Mouse"; Microsoft's IntelliMouse for the wheel: the
 * sample rates 200, 100, 80 in a row make the device report ID 3 and a fourth byte per packet.
 * LIMIT: movement too large for a packet goes into the next ones; the overflow bits are never set. */
#include "dev/mouse.h"

#include "machine/state.h"

#include <string.h>

enum mouse_command {
    COMMAND_SCALING_1_1 = 0xe6,
    COMMAND_SCALING_2_1 = 0xe7,
    COMMAND_SET_RESOLUTION = 0xe8,
    COMMAND_STATUS = 0xe9,
    COMMAND_STREAM = 0xea,
    COMMAND_READ_DATA = 0xeb,
    COMMAND_WRAP_OFF = 0xec,
    COMMAND_WRAP = 0xee,
    COMMAND_REMOTE = 0xf0,
    COMMAND_READ_ID = 0xf2,
    COMMAND_SET_RATE = 0xf3,
    COMMAND_ENABLE = 0xf4,
    COMMAND_DISABLE = 0xf5,
    COMMAND_DEFAULTS = 0xf6,
    COMMAND_RESEND = 0xfe,
    COMMAND_RESET = 0xff,
};
enum mouse_reply { REPLY_ACK = 0xfa, REPLY_ERROR = 0xfc, REPLY_RESEND = 0xfe, REPLY_SELF_TEST_OK = 0xaa };
enum mouse_packet { PACKET_ONE = BIT(3), PACKET_X_SIGN = BIT(4), PACKET_Y_SIGN = BIT(5) };
enum mouse_status { STATUS_SCALING_2_1 = BIT(4), STATUS_REPORTING = BIT(5), STATUS_REMOTE = BIT(6) };
enum { ID_STANDARD = 0, ID_WHEEL = 3, DEFAULT_RATE = 100, DEFAULT_RESOLUTION = 2, FINEST_RESOLUTION = 3 };
enum { DELTA_MIN = -256, DELTA_MAX = 255, WHEEL_MIN = -8, WHEEL_MAX = 7 };
/* Movement nobody collects stops adding up at about a metre: the arithmetic cannot overflow. */
enum { ACCUMULATOR_MAX = 8000 };

static void mouse_put(struct mouse *m, u8 value)
{
    if (m->queued < MOUSE_QUEUE_BYTES)
        m->queue[m->queued++] = value;
}

/* Replies push out reports that have not been sent. */
static void mouse_reply(struct mouse *m, u8 value)
{
    m->queued = m->replies;
    mouse_put(m, value);
    m->replies = m->queued;
}

static s32 clamp(s32 value, s32 min, s32 max)
{
    return value < min ? min : value > max ? max : value;
}

/* --- Reports --- */

/* Takes what fits a packet out of an accumulator, in counts of the current resolution. */
static s32 mouse_take_counts(const struct mouse *m, s32 *accumulator)
{
    s32 unit = 1 << (FINEST_RESOLUTION - m->resolution);
    s32 counts = clamp(*accumulator / unit, DELTA_MIN, DELTA_MAX);
    *accumulator -= counts * unit;
    return counts;
}

/* Stream mode only (same reference, "Scaling"). */
static s32 mouse_scale(s32 counts)
{
    static const u8 small[] = {0, 1, 1, 3, 6, 9};
    s32 size = counts < 0 ? -counts : counts;
    size = size < (s32)sizeof small ? small[size] : 2 * size;
    return clamp(counts < 0 ? -size : size, DELTA_MIN, DELTA_MAX);
}

static void mouse_packet(struct mouse *m, bool scale)
{
    s32 x = mouse_take_counts(m, &m->x), y = mouse_take_counts(m, &m->y);
    if (scale && m->scaling_2_1) {
        x = mouse_scale(x);
        y = mouse_scale(y);
    }
    mouse_put(m, (u8)(m->buttons | PACKET_ONE | (x < 0 ? PACKET_X_SIGN : 0) | (y < 0 ? PACKET_Y_SIGN : 0)));
    mouse_put(m, (u8)x);
    mouse_put(m, (u8)y);
    if (m->id == ID_WHEEL) {
        s32 z = clamp(m->z, WHEEL_MIN, WHEEL_MAX);
        m->z -= z;
        mouse_put(m, (u8)z);
    }
    m->buttons_sent = m->buttons;
}

bool mouse_wants_sample(const struct mouse *m)
{
    s32 unit = 1 << (FINEST_RESOLUTION - m->resolution);
    bool changed = m->x / unit || m->y / unit || (m->z && m->id == ID_WHEEL) || m->buttons != m->buttons_sent;
    return changed && m->reporting && !m->remote && !m->wrap && !m->queued;
}

void mouse_sample(struct mouse *m)
{
    if (mouse_wants_sample(m))
        mouse_packet(m, true);
}

u64 mouse_period_ns(const struct mouse *m)
{
    return NS_PER_S / m->rate;
}

static s32 mouse_add(s32 accumulator, s32 delta, s32 unit)
{
    return clamp(accumulator + clamp(delta, -ACCUMULATOR_MAX, ACCUMULATOR_MAX) * unit, -ACCUMULATOR_MAX,
                 ACCUMULATOR_MAX);
}

void mouse_move(struct mouse *m, int dx, int dy, int dz, unsigned buttons)
{
    enum { EIGHTHS_PER_COUNT = 2 };
    m->x = mouse_add(m->x, dx, EIGHTHS_PER_COUNT);
    m->y = mouse_add(m->y, dy, -EIGHTHS_PER_COUNT);
    m->z = mouse_add(m->z, dz, 1);
    m->buttons = buttons & (MOUSE_LEFT | MOUSE_RIGHT | MOUSE_MIDDLE);
}

/* --- Commands --- */

static void mouse_clear_movement(struct mouse *m)
{
    m->x = m->y = m->z = 0;
}

static void mouse_defaults(struct mouse *m)
{
    m->rate = DEFAULT_RATE;
    m->resolution = DEFAULT_RESOLUTION;
    m->scaling_2_1 = m->remote = m->reporting = false;
    mouse_clear_movement(m);
}

void mouse_reset(struct mouse *m)
{
    *m = (struct mouse){.buttons = m->buttons, .buttons_sent = m->buttons};
    mouse_defaults(m);
}

static bool mouse_set_rate(struct mouse *m, u8 rate)
{
    static const u8 rates[] = {10, 20, 40, 60, 80, 100, 200}, knock[] = {200, 100, 80};
    if (!memchr(rates, rate, sizeof rates))
        return false;
    m->rate = rate;
    m->knock = rate == knock[m->knock] ? m->knock + 1 : rate == knock[0];
    if (m->knock == sizeof knock) {
        m->knock = 0;
        m->id = ID_WHEEL;
    }
    return true;
}

/* The first wrong argument gets RESEND; the reference lets a second one get ERROR and end the command. */
static void mouse_argument(struct mouse *m, u8 value)
{
    bool good = m->command == COMMAND_SET_RATE ? mouse_set_rate(m, value) : value <= FINEST_RESOLUTION;
    if (good && m->command == COMMAND_SET_RESOLUTION)
        m->resolution = value;
    bool again = !good && m->last_sent == REPLY_RESEND;
    if (good || again)
        m->command = 0;
    mouse_reply(m, good ? REPLY_ACK : again ? REPLY_ERROR : REPLY_RESEND);
}

static void mouse_reply_status(struct mouse *m)
{
    u8 buttons = (m->buttons & MOUSE_LEFT ? BIT(2) : 0) | (m->buttons & MOUSE_MIDDLE ? BIT(1) : 0) |
                 (m->buttons & MOUSE_RIGHT ? BIT(0) : 0);
    mouse_reply(m, buttons | (m->scaling_2_1 ? STATUS_SCALING_2_1 : 0) |
                       (m->reporting ? STATUS_REPORTING : 0) | (m->remote ? STATUS_REMOTE : 0));
    mouse_reply(m, m->resolution);
    mouse_reply(m, m->rate);
}

/* Commands that do no more than set something. False: not one of them. */
static bool mouse_set_command(struct mouse *m, u8 command)
{
    switch (command) {
    case COMMAND_SCALING_1_1:
    case COMMAND_SCALING_2_1:
        m->scaling_2_1 = command == COMMAND_SCALING_2_1;
        return true;
    case COMMAND_SET_RESOLUTION:
    case COMMAND_SET_RATE:
        m->command = command;
        return true;
    case COMMAND_STREAM:
    case COMMAND_REMOTE:
        m->remote = command == COMMAND_REMOTE;
        mouse_clear_movement(m);
        return true;
    case COMMAND_WRAP:
    case COMMAND_WRAP_OFF:
        m->wrap = command == COMMAND_WRAP;
        mouse_clear_movement(m);
        return true;
    case COMMAND_ENABLE:
    case COMMAND_DISABLE:
        m->reporting = command == COMMAND_ENABLE;
        mouse_clear_movement(m);
        return true;
    case COMMAND_DEFAULTS:
        mouse_defaults(m);
        return true;
    }
    return false;
}

static void mouse_command(struct mouse *m, u8 command)
{
    if (mouse_set_command(m, command)) {
        mouse_reply(m, REPLY_ACK);
        return;
    }
    switch (command) {
    case COMMAND_STATUS:
        mouse_reply(m, REPLY_ACK);
        mouse_reply_status(m);
        break;
    case COMMAND_READ_DATA:
        mouse_reply(m, REPLY_ACK);
        mouse_packet(m, false);
        m->replies = m->queued;
        break;
    case COMMAND_READ_ID:
        mouse_reply(m, REPLY_ACK);
        mouse_reply(m, m->id);
        break;
    case COMMAND_RESEND:
        mouse_reply(m, m->last_sent);
        break;
    case COMMAND_RESET:
        mouse_reset(m);
        mouse_reply(m, REPLY_ACK);
        mouse_reply(m, REPLY_SELF_TEST_OK);
        mouse_reply(m, ID_STANDARD);
        break;
    default:
        mouse_reply(m, REPLY_RESEND);
    }
}

void mouse_receive(struct mouse *m, u8 value)
{
    if (m->wrap && value != COMMAND_WRAP_OFF && value != COMMAND_RESET)
        mouse_reply(m, value);
    else if (m->command && value < COMMAND_SCALING_1_1)
        mouse_argument(m, value);
    else {
        m->command = 0;
        mouse_command(m, value);
    }
}

bool mouse_send(struct mouse *m, u8 *value, bool *reply)
{
    *reply = m->replies;
    if (!m->queued)
        return false;
    *value = m->queue[0];
    memmove(m->queue, m->queue + 1, --m->queued);
    m->replies -= *reply;
    m->last_sent = *value;
    return true;
}

void mouse_state(struct mouse *m, struct state *s)
{
    enum { SLOWEST = 10, FASTEST = 200, KNOCKS = 3 };
    state_u8(s, &m->command);
    state_u8_in(s, &m->id, ID_STANDARD, ID_WHEEL, "the mouse's ID");
    state_u8_in(s, &m->rate, SLOWEST, FASTEST, "the mouse's rate");
    state_u8_in(s, &m->resolution, 0, FINEST_RESOLUTION, "the mouse's resolution");
    state_bool(s, &m->scaling_2_1);
    state_bool(s, &m->remote);
    state_bool(s, &m->wrap);
    state_bool(s, &m->reporting);
    state_u8_in(s, &m->knock, 0, KNOCKS - 1, "the mouse's rates");
    state_u8(s, &m->last_sent);
    state_u8_bits(s, &m->buttons, MOUSE_LEFT | MOUSE_RIGHT | MOUSE_MIDDLE, "the mouse's buttons");
    state_u8_bits(s, &m->buttons_sent, MOUSE_LEFT | MOUSE_RIGHT | MOUSE_MIDDLE, "the mouse's buttons");
    state_s32_in(s, &m->x, -ACCUMULATOR_MAX, ACCUMULATOR_MAX, "the mouse's movement");
    state_s32_in(s, &m->y, -ACCUMULATOR_MAX, ACCUMULATOR_MAX, "the mouse's movement");
    state_s32_in(s, &m->z, -ACCUMULATOR_MAX, ACCUMULATOR_MAX, "the mouse's movement");
    state_u32_in(s, &m->queued, 0, MOUSE_QUEUE_BYTES, "the mouse's queue");
    state_bytes(s, m->queue, m->queued);
    state_u32_in(s, &m->replies, 0, MOUSE_QUEUE_BYTES, "the mouse's replies");
    state_check(s, m->replies <= m->queued, "the mouse's replies");
}
