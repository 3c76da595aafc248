/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/packet_source.h"

#define ROW(member, help) SP_COUNTER(struct sp_packet_counters, member, help)

const struct sp_counter sp_packet_counter_table[] = {
	ROW(received, "Datagrams handed to the assembler"),
	ROW(foreign, "Datagrams dropped because another host than the camera sent them"),
	ROW(truncated, "Datagrams dropped because they are longer than a buffer or were cut"),
	ROW(no_buffer, "Times that the source ran out of packet buffers"),
	ROW(socket_overflow, "Datagrams that the kernel dropped at a full socket buffer"),
	ROW(unknown_stream, "Datagrams dropped because no stream has their port"),
	ROW(fragments, "Fragments of IP datagrams in a capture file, refused"),
	ROW(malformed, "Records of a capture file whose headers contradict themselves"),
	ROW(other, "Records of a capture file that are no UDP over IPv4"),
};

const size_t sp_packet_counter_table_n =
	sizeof(sp_packet_counter_table) / sizeof(sp_packet_counter_table[0]);
