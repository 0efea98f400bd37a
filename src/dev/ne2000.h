/* Novell's NE2000: a National DP8390D network interface controller with 16 KiB of packet memory, a PROM with
 * the station's address, a data port for the controller's remote DMA, and a port that resets it. Data sheet
 * DP8390D/NS32490D, July 1995. ne2000.c         registers, commands, interrupts, the card's ports
 *   ne2000_memory.c  what both DMA channels address; remote DMA
 *   ne2000_wire.c    transmitting, receiving into the ring, address filters, loopback */
#ifndef HUDDLE_DEV_NE2000_H
#define HUDDLE_DEV_NE2000_H

#include "machine/machine.h"
#include "net/net.h"

/* CR, 00h of every page. */
enum ne2000_command {
    CR_STP = 1 << 0,
    CR_STA = 1 << 1,
    CR_TXP = 1 << 2,
    CR_RD = 7 << 3,
    CR_RD_READ = 1 << 3,
    CR_RD_WRITE = 2 << 3,
    CR_RD_SEND = 3 << 3,
    CR_RD_ABORT = 1 << 5, /* whatever the two below are */
    CR_PS = 3 << 6,
    CR_PS_SHIFT = 6,
};

/* Page 0, reading; those that are others when written are below. */
enum ne2000_page0 {
    P0_CLDA0 = 1,
    P0_CLDA1 = 2,
    P0_BNRY = 3,
    P0_TSR = 4,
    P0_NCR = 5,
    P0_FIFO = 6,
    P0_ISR = 7,
    P0_CRDA0 = 8,
    P0_CRDA1 = 9,
    P0_RSR = 12,
    P0_CNTR0 = 13,
    P0_CNTR1 = 14,
    P0_CNTR2 = 15,
};

/* Page 0, writing. */
enum ne2000_page0_out {
    P0_PSTART = 1,
    P0_PSTOP = 2,
    P0_TPSR = 4,
    P0_TBCR0 = 5,
    P0_TBCR1 = 6,
    P0_RSAR0 = 8,
    P0_RSAR1 = 9,
    P0_RBCR0 = 10,
    P0_RBCR1 = 11,
    P0_RCR = 12,
    P0_TCR = 13,
    P0_DCR = 14,
    P0_IMR = 15,
};

enum ne2000_page1 { P1_PAR0 = 1, P1_CURR = 7, P1_MAR0 = 8 };

/* Page 2, reading: what page 0 lets one write. Writing: pointers of the DMA channels. */
enum ne2000_page2 {
    P2_PSTART = 1,
    P2_CLDA0 = 1,
    P2_PSTOP = 2,
    P2_CLDA1 = 2,
    P2_REMOTE_NEXT = 3,
    P2_TPSR = 4,
    P2_LOCAL_NEXT = 5,
    P2_ADDRESS1 = 6,
    P2_ADDRESS0 = 7,
    P2_RCR = 12,
    P2_TCR = 13,
    P2_DCR = 14,
    P2_IMR = 15,
};

enum ne2000_isr {
    ISR_PRX = 1 << 0,
    ISR_PTX = 1 << 1,
    ISR_RXE = 1 << 2,
    ISR_TXE = 1 << 3,
    ISR_OVW = 1 << 4,
    ISR_CNT = 1 << 5,
    ISR_RDC = 1 << 6,
    ISR_RST = 1 << 7, /* a status: interrupts nobody, is not cleared by writing */
    ISR_INTERRUPTS = 0x7f,
};

enum ne2000_dcr {
    DCR_WTS = 1 << 0, /* words */
    DCR_BOS = 1 << 1, /* the high byte first */
    DCR_LAS = 1 << 2, /* 32-bit addresses: local DMA only */
    DCR_LS = 1 << 3,  /* clear: loopback */
    DCR_AR = 1 << 4,  /* the Send command */
};

enum ne2000_tcr {
    TCR_CRC = 1 << 0, /* the checksum is the guest's */
    TCR_LB = 3 << 1,
    TCR_LB_NIC = 1 << 1,
    TCR_LB_SNI = 2 << 1,
    TCR_LB_COAX = 3 << 1,
    TCR_ATD = 1 << 3,
    TCR_BITS = 0x1f,
};

enum ne2000_tsr {
    TSR_PTX = 1 << 0,
    TSR_ND = 1 << 1, /* reserved in the data sheet, whose loopback tests show it: not deferred */
    TSR_CRS = 1 << 4,
    TSR_CDH = 1 << 6,
};

enum ne2000_rcr {
    RCR_SEP = 1 << 0,
    RCR_AR = 1 << 1,
    RCR_AB = 1 << 2,
    RCR_AM = 1 << 3,
    RCR_PRO = 1 << 4,
    RCR_MON = 1 << 5,
    RCR_BITS = 0x3f,
};

enum ne2000_rsr {
    RSR_PRX = 1 << 0,
    RSR_CRC = 1 << 1,
    RSR_FAE = 1 << 2,
    RSR_MPA = 1 << 4,
    RSR_PHY = 1 << 5, /* set: not the physical address, but a group's */
    RSR_DIS = 1 << 6,
};

/* The tally counters. */
enum ne2000_counter { COUNTER_FAE, COUNTER_CRC, COUNTER_MISSED, COUNTERS };
enum { COUNTER_MAX = 192, COUNTER_INTERRUPT = 0x80 };

/* What happened to a frame on its way here. */
enum ne2000_damage { DAMAGE_NONE, DAMAGE_CRC, DAMAGE_ALIGNMENT };

enum ne2000_remote { REMOTE_IDLE, REMOTE_READ, REMOTE_WRITE, REMOTE_SEND, REMOTE_KINDS };

enum {
    NE2000_PROM_BYTES = 32,
    NE2000_RAM_FIRST = 0x4000,
    NE2000_RAM_BYTES = 16 * 1024,
    NE2000_FIFO_BYTES = 8, /* half of it: the part that loopback leaves to the receiver */
    NE2000_PAGE_BYTES = 256,
    NE2000_HEADER_BYTES = 4, /* in front of each frame in the ring */
    NE2000_ROWS = 6,
};

struct ne2000 {
    struct machine *machine;
    struct net *net;
    struct irq_line irq;
    u16 io;
    struct bus_port row[NE2000_ROWS];

    u8 command; /* CR; CR_STA and CR_STP both: stopped after it was started */
    u8 isr, imr, dcr, tcr, rcr, tsr, rsr;
    u8 pstart, pstop, bnry, curr, tpsr;
    u8 par[6], mar[8];
    u8 counter[COUNTERS];
    u16 tbcr;
    u16 clda;    /* local DMA: where it stands */
    u16 address; /* page 2's address counter */
    u8 remote_next, local_next;
    bool ring_full; /* CURR has come round to BNRY by receiving: else equal means empty */

    enum ne2000_remote remote;
    u16 rsar, rbcr; /* where remote DMA stands, and what it has left */

    u8 fifo[NE2000_FIFO_BYTES];
    u8 fifo_at;

    bool sending;
    bool held; /* TXP is set, but the transmitter has been disabled from the network (ATD) */
    bool transmitter_off;
    bool deferred;
    u16 send_from, send_bytes;
    struct clock_event send_event; /* the end of the frame that is being sent */

    bool receiving;                   /* a frame has begun */
    struct clock_event receive_event; /* its end; else its beginning */
    u64 line_free_ns;                 /* the wire is busy until then, and for the gap between frames */

    u8 prom[NE2000_PROM_BYTES];
    u8 ram[NE2000_RAM_BYTES];
};

/* Frames may have come: for the run loop, outside of device accesses. */
void ne2000_look(struct ne2000 *nic);

/* --- between the files --- */

/* ne2000.c */
static inline bool ne2000_runs(const struct ne2000 *nic)
{
    return (nic->command & (CR_STA | CR_STP)) == CR_STA;
}
void ne2000_raise(struct ne2000 *nic, u8 isr);
void ne2000_count(struct ne2000 *nic, enum ne2000_counter counter);

/* ne2000_memory.c */
u8 ne2000_fetch(const struct ne2000 *nic, u16 address);
void ne2000_store(struct ne2000 *nic, u16 address, u8 value);
/* RAM from `address` on, and how much of `bytes` lies there one behind the other; NULL: not RAM. */
u8 *ne2000_ram_at(struct ne2000 *nic, u16 address, u32 *bytes);
/* The command register asks for it. */
void ne2000_remote_start(struct ne2000 *nic, enum ne2000_remote kind);
u32 ne2000_data_in(void *dev, u16 port, u8 size);
void ne2000_data_out(void *dev, u16 port, u8 size, u32 value);
u32 ne2000_data_in_run(void *dev, u16 port, u8 size, u32 count, u8 *to);
u32 ne2000_data_out_run(void *dev, u16 port, u8 size, u32 count, const u8 *from);

/* ne2000_wire.c */
void ne2000_wire_init(struct ne2000 *nic);
/* TXP has been set. */
void ne2000_send(struct ne2000 *nic);
/* Loopback or ATD may have been left. */
void ne2000_transmit_config(struct ne2000 *nic);
/* A frame of `bytes` without its checksum has come to its end. */
void ne2000_receive(struct ne2000 *nic, const u8 *frame, u32 bytes, enum ne2000_damage damage);

#endif
