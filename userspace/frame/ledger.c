/* SPDX-License-Identifier: Apache-2.0 */
#include "frame/ledger.h"

#define STREAM(member, text) SP_COUNTER(struct sp_stream_counters, member, text)

const struct sp_counter sp_stream_counter_table[] = {
	STREAM(expected, "Payload packets of expected blocks"),
	STREAM(delivered, "Payload packets in frames that were handed over"),
	STREAM(policy, "Payload packets of blocks given up for want of credit"),
	STREAM(bad_packet, "Payload packets that came only with a wrong length, place or status"),
	STREAM(late, "Payload packets that came after their block was closed"),
	STREAM(block_discarded, "Payload packets of blocks that could not become a frame"),
	STREAM(missing, "Payload packets that never came"),
	STREAM(packets, "Datagrams looked at"),
	STREAM(bytes, "Payload bytes delivered"),
	STREAM(duplicate, "Copies of a packet that was already there"),
	STREAM(stray, "Packets of a block outside the window"),
	STREAM(surplus, "Payload packets beyond a block's end or its budget"),
	STREAM(malformed, "Datagrams that are no GVSP packet"),
	STREAM(foreign, "Datagrams from another address than the camera's"),
	STREAM(resent, "Packets that came marked as a resend or after a request"),
	STREAM(unavailable, "Packets that the camera said it has no more"),
	STREAM(frames_complete, "Frames handed over with every packet"),
	STREAM(frames_incomplete, "Frames handed over with packets missing"),
	STREAM(blocks_skipped, "Blocks without a single payload packet"),
	STREAM(blocks_discarded, "Blocks with an impossible geometry or an unsupported payload"),
	STREAM(blocks_policy, "Blocks given up for want of credit"),
	STREAM(restarts, "Jumps of the block id that mean the camera began anew"),
	STREAM(resend_requests, "Resend requests made"),
	STREAM(resend_packets, "Packets asked for in resend requests"),
	STREAM(resends_dropped, "Resend requests dropped before the resend thread saw them"),
};

const size_t sp_stream_counter_table_n = sizeof(sp_stream_counter_table) /
					 sizeof(sp_stream_counter_table[0]);
