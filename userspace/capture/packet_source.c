/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/packet_source.h"

#define ROW(member, help) SP_COUNTER(struct sp_packet_counters, member, help)

const struct sp_counter sp_packet_counter_table[] = {
	ROW(received, "Datagrams handed to the assembler"),
	ROW(foreign, "Datagrams dropped because another host than the camera sent them"),
	ROW(foreign_mac,
	    "Datagrams dropped because another MAC address than the camera's sent them"),
	ROW(foreign_port, "Datagrams dropped because they left another port than the camera's"),
	ROW(foreign_vlan, "Datagrams dropped because they came over another VLAN"),
	ROW(truncated, "Datagrams dropped because they are longer than a buffer or were cut"),
	ROW(no_buffer, "Times that the source ran out of packet buffers"),
	ROW(socket_overflow, "Datagrams that the kernel dropped at a full socket buffer"),
	ROW(unknown_stream, "Datagrams dropped because no stream has their port"),
	ROW(ring_full, "Packets that the network card dropped at a full receive ring"),
	ROW(no_mbuf, "Packets that the driver dropped for want of a buffer"),
	ROW(card_errors, "Packets that the network card dropped as broken"),
	ROW(passed_on, "Packets given to the kernel over the exception path"),
	ROW(not_passed_on, "Packets dropped because the exception path was full"),
	ROW(fragments, "Fragments of IP datagrams, refused"),
	ROW(malformed, "Packets whose headers contradict themselves or end too soon"),
	ROW(other, "Packets that are no UDP over IPv4"),
};

const size_t sp_packet_counter_table_n =
	sizeof(sp_packet_counter_table) / sizeof(sp_packet_counter_table[0]);
