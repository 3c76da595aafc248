/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * GVCP, the control protocol of GigE Vision cameras, as it stands on the wire.
 *
 * UDP, the device on port 3956. Every field is big-endian. Bits are masks of the host-order value.
 * Sources: docs/provenance.md, "Headers and codes".
 */
#ifndef SALLYPORT_GVCP_H
#define SALLYPORT_GVCP_H

#include <linux/types.h>
#include <asm/byteorder.h>

#define GVCP_PORT 3956
#define GVCP_KEY 0x42 /* first byte of a command; an acknowledge begins with its status */
#define GVCP_HEADER_BYTES 8
#define GVCP_PAYLOAD_MAX 540 /* 576 bytes of IP, less IP, UDP and GVCP headers */
#define GVCP_MESSAGE_MAX (GVCP_HEADER_BYTES + GVCP_PAYLOAD_MAX)
#define GVCP_MEMORY_MAX (GVCP_PAYLOAD_MAX - 4) /* data bytes of a READMEM or WRITEMEM */
#define GVCP_READ_REGISTERS_MAX (GVCP_PAYLOAD_MAX / 4)
#define GVCP_WRITE_REGISTERS_MAX (GVCP_PAYLOAD_MAX / 8)

/* Flags of a command. 0x10 means one thing to discovery and another to resends and events. */
#define GVCP_FLAG_ACK 0x01
#define GVCP_FLAG_BROADCAST_ACK 0x10
#define GVCP_FLAG_EXTENDED_IDS 0x10
#define GVCP_FLAG_SCHEDULED 0x80

enum gvcp_code {
	GVCP_DISCOVERY = 0x0002,
	GVCP_DISCOVERY_ACK = 0x0003,
	GVCP_FORCEIP = 0x0004,
	GVCP_FORCEIP_ACK = 0x0005,
	GVCP_PACKETRESEND = 0x0040,
	GVCP_PACKETRESEND_ACK = 0x0041,
	GVCP_READREG = 0x0080,
	GVCP_READREG_ACK = 0x0081,
	GVCP_WRITEREG = 0x0082,
	GVCP_WRITEREG_ACK = 0x0083,
	GVCP_READMEM = 0x0084,
	GVCP_READMEM_ACK = 0x0085,
	GVCP_WRITEMEM = 0x0086,
	GVCP_WRITEMEM_ACK = 0x0087,
	GVCP_PENDING_ACK = 0x0089,
	GVCP_EVENT = 0x00C0,
	GVCP_EVENT_ACK = 0x00C1,
	GVCP_EVENTDATA = 0x00C2,
	GVCP_EVENTDATA_ACK = 0x00C3,
	GVCP_ACTION = 0x0100,
	GVCP_ACTION_ACK = 0x0101,
};

/* Status of acknowledges and of GVSP packets; bit 15 marks an error. */
#define GVCP_STATUS_ERROR_BIT 0x8000
enum gvcp_status {
	GVCP_SUCCESS = 0x0000,
	GVCP_PACKET_RESENT = 0x0100,
	GVCP_NOT_IMPLEMENTED = 0x8001,
	GVCP_INVALID_PARAMETER = 0x8002,
	GVCP_INVALID_ADDRESS = 0x8003,
	GVCP_WRITE_PROTECT = 0x8004,
	GVCP_BAD_ALIGNMENT = 0x8005,
	GVCP_ACCESS_DENIED = 0x8006,
	GVCP_BUSY = 0x8007,
	GVCP_PACKET_UNAVAILABLE = 0x800C,
	GVCP_DATA_OVERRUN = 0x800D,
	GVCP_INVALID_HEADER = 0x800E,
	GVCP_PACKET_NOT_YET_AVAILABLE = 0x8010,
	GVCP_PACKET_AND_PREVIOUS_REMOVED = 0x8011,
	GVCP_PACKET_REMOVED = 0x8012,
	GVCP_NO_REFERENCE_TIME = 0x8013,
	GVCP_PACKET_TEMPORARILY_UNAVAILABLE = 0x8014,
	GVCP_OVERFLOW = 0x8015,
	GVCP_ACTION_LATE = 0x8016,
	GVCP_LEADER_TRAILER_OVERFLOW = 0x8017,
	GVCP_ERROR = 0x8FFF,
};

struct gvcp_command_header {
	__u8 key;
	__u8 flags;
	__be16 code;
	__be16 length; /* bytes after the header */
	__be16 id; /* 1 … 65535; a device hears 0 too */
} __attribute__((packed));

struct gvcp_ack_header {
	__be16 status;
	__be16 code;
	__be16 length;
	__be16 id; /* of the command that is answered */
} __attribute__((packed));

struct gvcp_write_register {
	__be32 address;
	__be32 value;
} __attribute__((packed));

struct gvcp_read_memory {
	__be32 address;
	__be16 reserved;
	__be16 count;
} __attribute__((packed));

/* WRITEREG and WRITEMEM acknowledges: how much was done. PENDING_ACK: milliseconds. */
struct gvcp_index {
	__be16 reserved;
	__be16 index;
} __attribute__((packed));

struct gvcp_resend {
	__be16 channel;
	__be16 block; /* reserved in the extended form */
	__be32 first; /* 24 bits in the standard form */
	__be32 last; /* all ones: to the end, trailer included */
} __attribute__((packed));

struct gvcp_resend_extended {
	struct gvcp_resend standard;
	__be64 block;
} __attribute__((packed));

#define GVCP_RESEND_TO_END 0xFFFFFFu
#define GVCP_RESEND_TO_END_EXTENDED 0xFFFFFFFFu

struct gvcp_force_ip {
	__be16 reserved0;
	__u8 mac[6];
	__u8 reserved1[12];
	__be32 ip;
	__u8 reserved2[12];
	__be32 mask;
	__u8 reserved3[12];
	__be32 gateway;
} __attribute__((packed));

struct gvcp_action {
	__be32 device_key;
	__be32 group_key;
	__be32 group_mask;
} __attribute__((packed));

struct gvcp_action_scheduled {
	struct gvcp_action action;
	__be64 when; /* device ticks */
} __attribute__((packed));

struct gvcp_event {
	__be16 reserved;
	__be16 event;
	__be16 channel;
	__be16 block;
	__be64 timestamp;
} __attribute__((packed));

struct gvcp_event_extended {
	__be16 size; /* EVENTDATA: head and data; else 0 */
	__be16 event;
	__be16 channel;
	__be16 reserved;
	__be64 block;
	__be64 timestamp;
} __attribute__((packed));

/* The answer to a discovery: a copy of the bootstrap registers 0x0000 … 0x00F7. */
struct gvcp_discovery {
	__be16 version_major;
	__be16 version_minor;
	__be32 device_mode;
	__be16 reserved0;
	__u8 mac[6];
	__be32 ip_supported;
	__be32 ip_current;
	__u8 reserved1[12];
	__be32 ip;
	__u8 reserved2[12];
	__be32 mask;
	__u8 reserved3[12];
	__be32 gateway;
	__u8 manufacturer[32]; /* texts: NUL-padded, without a NUL where they fill the field */
	__u8 model[32];
	__u8 device_version[32];
	__u8 manufacturer_info[48];
	__u8 serial[16];
	__u8 user_name[16];
} __attribute__((packed));

/* ---- bootstrap registers ------------------------------------------------------------------- */
#define GVCP_REG_VERSION 0x0000
#define GVCP_REG_DEVICE_MODE 0x0004
#define GVCP_REG_MAC_HIGH 0x0008
#define GVCP_REG_MAC_LOW 0x000C
#define GVCP_REG_IP_SUPPORTED 0x0010
#define GVCP_REG_IP_CURRENT 0x0014
#define GVCP_REG_IP 0x0024
#define GVCP_REG_MASK 0x0034
#define GVCP_REG_GATEWAY 0x0044
#define GVCP_REG_MANUFACTURER 0x0048 /* 32 bytes */
#define GVCP_REG_MODEL 0x0068 /* 32 */
#define GVCP_REG_DEVICE_VERSION 0x0088 /* 32 */
#define GVCP_REG_MANUFACTURER_INFO 0x00A8 /* 48 */
#define GVCP_REG_SERIAL 0x00D8 /* 16 */
#define GVCP_REG_USER_NAME 0x00E8 /* 16, writable */
#define GVCP_REG_DISCOVERY_END 0x00F8
#define GVCP_REG_URL_1 0x0200 /* 512 */
#define GVCP_REG_URL_2 0x0400 /* 512 */
#define GVCP_URL_BYTES 512
#define GVCP_REG_INTERFACES 0x0600
#define GVCP_REG_PERSISTENT_IP 0x064C
#define GVCP_REG_PERSISTENT_MASK 0x065C
#define GVCP_REG_PERSISTENT_GATEWAY 0x066C
#define GVCP_REG_LINK_SPEED 0x0670 /* Mbit/s */
#define GVCP_REG_MESSAGE_CHANNELS 0x0900
#define GVCP_REG_STREAM_CHANNELS 0x0904
#define GVCP_REG_ACTION_SIGNALS 0x0908
#define GVCP_REG_ACTION_KEY 0x090C
#define GVCP_REG_ACTIVE_LINKS 0x0910
#define GVCP_REG_STREAM_CAPABILITY 0x092C
#define GVCP_REG_MESSAGE_CAPABILITY 0x0930
#define GVCP_REG_CAPABILITY 0x0934
#define GVCP_REG_HEARTBEAT 0x0938 /* milliseconds */
#define GVCP_REG_TICKS_HIGH 0x093C /* of the timestamp, a second */
#define GVCP_REG_TICKS_LOW 0x0940
#define GVCP_REG_TIMESTAMP_CONTROL 0x0944
#define GVCP_REG_TIMESTAMP_HIGH 0x0948
#define GVCP_REG_TIMESTAMP_LOW 0x094C
#define GVCP_REG_DISCOVERY_DELAY 0x0950 /* milliseconds */
#define GVCP_REG_CONFIG 0x0954
#define GVCP_REG_PENDING_TIMEOUT 0x0958 /* milliseconds */
#define GVCP_REG_SWITCHOVER_KEY 0x095C
#define GVCP_REG_GVSP_CONFIG 0x0960
#define GVCP_REG_LINK_CAPABILITY 0x0964
#define GVCP_REG_LINK_CONFIG 0x0968
#define GVCP_REG_PRIVILEGE 0x0A00 /* CCP */
#define GVCP_REG_PRIMARY_PORT 0x0A04
#define GVCP_REG_PRIMARY_IP 0x0A14
/* Stream channel n: the base plus 0x40 · n. */
#define GVCP_REG_STREAM 0x0D00
#define GVCP_STREAM_STRIDE 0x40
#define GVCP_REG_SCP (GVCP_REG_STREAM + 0x00) /* host port */
#define GVCP_REG_SCPS (GVCP_REG_STREAM + 0x04) /* packet size */
#define GVCP_REG_SCPD (GVCP_REG_STREAM + 0x08) /* delay between packets, ticks */
#define GVCP_REG_SCDA (GVCP_REG_STREAM + 0x18) /* host address */
#define GVCP_REG_SCSP (GVCP_REG_STREAM + 0x1C) /* source port */
#define GVCP_REG_SCC (GVCP_REG_STREAM + 0x20) /* capability */
#define GVCP_REG_SCCFG (GVCP_REG_STREAM + 0x24) /* configuration */

/* ---- their bits ------------------------------------------------------------------------------ */
#define GVCP_MODE_BIG_ENDIAN 0x80000000u
#define GVCP_MODE_UTF8 0x00000001u

#define GVCP_IP_PERSISTENT 0x00000001u
#define GVCP_IP_DHCP 0x00000002u
#define GVCP_IP_LLA 0x00000004u

#define GVCP_CAP_CONCATENATION 0x00000001u
#define GVCP_CAP_WRITEMEM 0x00000002u
#define GVCP_CAP_PACKETRESEND 0x00000004u
#define GVCP_CAP_EVENT 0x00000008u
#define GVCP_CAP_EVENTDATA 0x00000010u
#define GVCP_CAP_PENDING_ACK 0x00000020u
#define GVCP_CAP_ACTION 0x00000040u
#define GVCP_CAP_PRIMARY_APPLICATION 0x08000000u
#define GVCP_CAP_LINK_SPEED 0x10000000u
#define GVCP_CAP_HEARTBEAT_DISABLE 0x20000000u
#define GVCP_CAP_SERIAL 0x40000000u
#define GVCP_CAP_USER_NAME 0x80000000u

#define GVCP_STREAM_CAP_SOURCE_PORT 0x80000000u
#define GVCP_STREAM_CAP_LEGACY_IDS 0x40000000u

#define GVCP_CONFIG_HEARTBEAT_DISABLE 0x00000001u
#define GVCP_GVSP_CONFIG_EXTENDED_IDS 0x40000000u

#define GVCP_TIMESTAMP_RESET 0x1u
#define GVCP_TIMESTAMP_LATCH 0x2u

#define GVCP_PRIVILEGE_EXCLUSIVE 0x1u
#define GVCP_PRIVILEGE_CONTROL 0x2u

#define GVCP_SCP_PORT 0x0000FFFFu
#define GVCP_SCPS_SIZE 0x0000FFFFu
#define GVCP_SCPS_FIRE_TEST 0x80000000u
#define GVCP_SCPS_DO_NOT_FRAGMENT 0x40000000u

/* SCC: there; SCCFG: on. */
#define GVCP_SCC_MULTI_PART 0x00000040u
#define GVCP_SCC_ALL_IN 0x00000004u

#endif
