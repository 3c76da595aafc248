/* SPDX-License-Identifier: Apache-2.0 */
#include "gvcam/genicam.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gvcam/block.h"
#include "gvcam/registers.h"
#include "wire/pfnc.h"

/* Attributes and children that every register node shares. */
#define ON_DEVICE "<pPort>Device</pPort>"
#define BIG_ENDIAN_WORD "<Sign>Unsigned</Sign><Endianess>BigEndian</Endianess>"

/* A feature that is one register and has no limits of its own. */
static void integer(FILE *out, const char *name, const char *tip, uint32_t address,
		    unsigned int bytes, const char *access)
{
	fprintf(out,
		"<IntReg Name=\"%s\" NameSpace=\"Standard\"><ToolTip>%s</ToolTip>"
		"<Address>0x%X</Address><Length>%u</Length><AccessMode>%s</AccessMode>" ON_DEVICE
		"%s" BIG_ENDIAN_WORD "</IntReg>\n",
		name, tip, address, bytes, access,
		/* What the camera changes by itself must not be kept. */
		strcmp(access, "RO") ? "" : "<Cachable>NoCache</Cachable>");
}

/* A feature with limits, over a register NAMEReg. */
static void limited(FILE *out, const char *name, const char *tip, uint32_t address,
		    unsigned int min, unsigned int max, unsigned int step)
{
	fprintf(out,
		"<Integer Name=\"%s\" NameSpace=\"Standard\"><ToolTip>%s</ToolTip>"
		"<pValue>%sReg</pValue><Min>%u</Min><Max>%u</Max><Inc>%u</Inc></Integer>\n"
		"<IntReg Name=\"%sReg\"><Address>0x%X</Address><Length>4</Length>"
		"<AccessMode>RW</AccessMode>" ON_DEVICE BIG_ENDIAN_WORD "</IntReg>\n",
		name, tip, name, min, max, step, name, address);
}

/*
 * Bits of a register. GenICam counts the bits of big-endian registers from the most significant
 * one, so mask 0x80000000 is bit 0.
 */
static void bits(FILE *out, const char *name, uint32_t address, unsigned int first,
		 unsigned int last, const char *access)
{
	fprintf(out,
		"<MaskedIntReg Name=\"%s\"><Address>0x%X</Address><Length>4</Length>"
		"<AccessMode>%s</AccessMode>" ON_DEVICE "<Cachable>NoCache</Cachable>"
		"<LSB>%u</LSB><MSB>%u</MSB>" BIG_ENDIAN_WORD "</MaskedIntReg>\n",
		name, address, access, last, first);
}

static void command(FILE *out, const char *name, const char *tip, const char *reg,
		    unsigned int value)
{
	fprintf(out,
		"<Command Name=\"%s\" NameSpace=\"Standard\"><ToolTip>%s</ToolTip>"
		"<pValue>%s</pValue><CommandValue>%u</CommandValue></Command>\n",
		name, tip, reg, value);
}

static void write_only(FILE *out, const char *name, uint32_t address)
{
	fprintf(out,
		"<IntReg Name=\"%s\"><Address>0x%X</Address><Length>4</Length>"
		"<AccessMode>WO</AccessMode>" ON_DEVICE
		"<Cachable>NoCache</Cachable>" BIG_ENDIAN_WORD "</IntReg>\n",
		name, address);
}

static void string(FILE *out, const char *name, uint32_t address, unsigned int bytes,
		   const char *access)
{
	fprintf(out,
		"<StringReg Name=\"%s\" NameSpace=\"Standard\"><Address>0x%X</Address>"
		"<Length>%u</Length><AccessMode>%s</AccessMode>" ON_DEVICE "</StringReg>\n",
		name, address, bytes, access);
}

static void enumeration(FILE *out, const char *name, const char *tip, const char *entries,
			uint32_t address)
{
	fprintf(out,
		"<Enumeration Name=\"%s\" NameSpace=\"Standard\"><ToolTip>%s</ToolTip>%s"
		"<pValue>%sReg</pValue></Enumeration>\n"
		"<IntReg Name=\"%sReg\"><Address>0x%X</Address><Length>4</Length>"
		"<AccessMode>RW</AccessMode>" ON_DEVICE BIG_ENDIAN_WORD "</IntReg>\n",
		name, tip, entries, name, name, address);
}

static void entry(char *text, size_t size, const char *name, uint32_t value)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used,
		 "<EnumEntry Name=\"%s\" NameSpace=\"Standard\"><Value>%u</Value></EnumEntry>",
		 name, value);
}

static void category(FILE *out, const char *name, const char *const *features)
{
	fprintf(out, "<Category Name=\"%s\" NameSpace=\"Standard\">", name);
	for (; *features; features++)
		fprintf(out, "<pFeature>%s</pFeature>", *features);
	fputs("</Category>\n", out);
}

static void categories(FILE *out)
{
	static const char *const root[] = { "DeviceControl",	     "ImageFormatControl",
					    "AcquisitionControl",    "ChunkDataControl",
					    "TransportLayerControl", NULL };
	static const char *const device[] = { "DeviceVendorName",
					      "DeviceModelName",
					      "DeviceVersion",
					      "DeviceManufacturerInfo",
					      "DeviceSerialNumber",
					      "DeviceUserID",
					      NULL };
	static const char *const format[] = { "SensorWidth", "SensorHeight", "WidthMax",
					      "HeightMax",   "Width",	     "Height",
					      "PixelFormat", "TestPattern",  NULL };
	static const char *const acquisition[] = { "AcquisitionMode",
						   "AcquisitionStart",
						   "AcquisitionStop",
						   "AcquisitionFrameCount",
						   "AcquisitionFrameRate",
						   "AcquisitionStatus",
						   NULL };
	static const char *const chunks[] = { "ChunkModeActive", "ChunkFrameID",
					      "ChunkExposureTime", "ChunkTimestamp", NULL };
	static const char *const transport[] = { "PayloadSize",
						 "GevVersionMajor",
						 "GevVersionMinor",
						 "GevMACAddress",
						 "GevCurrentIPAddress",
						 "GevCurrentSubnetMask",
						 "GevCurrentDefaultGateway",
						 "GevNumberOfInterfaces",
						 "GevLinkSpeed",
						 "GevMessageChannelCount",
						 "GevStreamChannelCount",
						 "GevHeartbeatTimeout",
						 "GevTimestampTickFrequency",
						 "GevTimestampControlLatch",
						 "GevTimestampControlReset",
						 "GevTimestampValue",
						 "GevCCP",
						 "GevSCPHostPort",
						 "GevSCDA",
						 "GevSCSP",
						 "GevSCPSPacketSize",
						 "GevSCPSFireTestPacket",
						 "GevSCPSDoNotFragment",
						 "GevSCPD",
						 "GevGVSPExtendedIDMode",
						 NULL };

	category(out, "Root", root);
	category(out, "DeviceControl", device);
	category(out, "ImageFormatControl", format);
	category(out, "AcquisitionControl", acquisition);
	category(out, "ChunkDataControl", chunks);
	category(out, "TransportLayerControl", transport);
}

static void device_features(FILE *out)
{
	string(out, "DeviceVendorName", GVCP_REG_MANUFACTURER, 32, "RO");
	string(out, "DeviceModelName", GVCP_REG_MODEL, 32, "RO");
	string(out, "DeviceVersion", GVCP_REG_DEVICE_VERSION, 32, "RO");
	string(out, "DeviceManufacturerInfo", GVCP_REG_MANUFACTURER_INFO, 48, "RO");
	string(out, "DeviceSerialNumber", GVCP_REG_SERIAL, 16, "RO");
	string(out, "DeviceUserID", GVCP_REG_USER_NAME, 16, "RW");
}

static void format_features(FILE *out, const struct gvcam_genicam *genicam)
{
	char formats[4096] = "", patterns[512] = "";

	for (size_t i = 0; i < sp_pfnc_table_n; i++)
		entry(formats, sizeof(formats), sp_pfnc_table[i].name, sp_pfnc_table[i].code);
	if (genicam->pictures)
		entry(patterns, sizeof(patterns), "Off", GVCAM_PICTURES);
	entry(patterns, sizeof(patterns), "FrameCounter", GVCAM_FRAME_COUNTER);
	limited(out, "Width", "Pixels in a line.", GVCAM_WIDTH, GVCAM_SIDE_MIN, genicam->width_max,
		4);
	limited(out, "Height", "Lines of the image.", GVCAM_HEIGHT, GVCAM_SIDE_MIN,
		genicam->height_max, 2);
	integer(out, "WidthMax", "Largest width.", GVCAM_WIDTH_MAX, 4, "RO");
	integer(out, "HeightMax", "Largest height.", GVCAM_HEIGHT_MAX, 4, "RO");
	integer(out, "SensorWidth", "Pixels of the sensor.", GVCAM_WIDTH_MAX, 4, "RO");
	integer(out, "SensorHeight", "Lines of the sensor.", GVCAM_HEIGHT_MAX, 4, "RO");
	enumeration(out, "PixelFormat", "Format of the pixels.", formats, GVCAM_PIXEL_FORMAT);
	enumeration(out, "TestPattern",
		    "FrameCounter: a moving ramp with the block id drawn in. Off: pictures.",
		    patterns, GVCAM_TEST_PATTERN);
}

static void acquisition_features(FILE *out)
{
	char modes[1024] = "";

	entry(modes, sizeof(modes), "Continuous", GVCAM_CONTINUOUS);
	entry(modes, sizeof(modes), "SingleFrame", GVCAM_SINGLE_FRAME);
	entry(modes, sizeof(modes), "MultiFrame", GVCAM_MULTI_FRAME);
	enumeration(out, "AcquisitionMode", "How many frames a start gives.", modes,
		    GVCAM_ACQUISITION_MODE);
	command(out, "AcquisitionStart", "Starts the stream.", "AcquisitionStartReg", 1);
	write_only(out, "AcquisitionStartReg", GVCAM_ACQUISITION_START);
	command(out, "AcquisitionStop", "Stops the stream after the current packet.",
		"AcquisitionStopReg", 1);
	write_only(out, "AcquisitionStopReg", GVCAM_ACQUISITION_STOP);
	limited(out, "AcquisitionFrameCount", "Frames of a MultiFrame acquisition.",
		GVCAM_ACQUISITION_COUNT, 1, 2147483647, 1);
	integer(out, "AcquisitionStatus", "1 while frames are made.", GVCAM_ACQUISITION_STATUS, 4,
		"RO");
	fprintf(out,
		"<Float Name=\"AcquisitionFrameRate\" NameSpace=\"Standard\">"
		"<ToolTip>Frames a second.</ToolTip><pValue>AcquisitionFrameRateReg</pValue>"
		"<Min>%.1f</Min><Max>%.1f</Max><Unit>Hz</Unit></Float>\n"
		"<FloatReg "
		"Name=\"AcquisitionFrameRateReg\"><Address>0x%X</Address><Length>4</Length>"
		"<AccessMode>RW</AccessMode>" ON_DEVICE
		"<Endianess>BigEndian</Endianess></FloatReg>\n",
		GVCAM_RATE_MIN, GVCAM_RATE_MAX, GVCAM_FRAME_RATE);
}

/* A feature that is a field of a register. */
static void field(FILE *out, const char *name, const char *tip, const char *reg, uint32_t address,
		  unsigned int first, unsigned int last, const char *access)
{
	fprintf(out,
		"<Integer Name=\"%s\" NameSpace=\"Standard\"><ToolTip>%s</ToolTip>"
		"<pValue>%s</pValue></Integer>\n",
		name, tip, reg);
	bits(out, reg, address, first, last, access);
}

static void boolean(FILE *out, const char *name, const char *tip, const char *reg)
{
	fprintf(out,
		"<Boolean Name=\"%s\" NameSpace=\"Standard\"><ToolTip>%s</ToolTip>"
		"<pValue>%s</pValue><OnValue>1</OnValue><OffValue>0</OffValue></Boolean>\n",
		name, tip, reg);
}

/* A value of 8 bytes in chunk data: a register of a port that stands for the chunk. */
static void chunk(FILE *out, const char *name, const char *tip, const char *node, const char *sign,
		  enum gvcam_chunk_id id)
{
	fprintf(out,
		"<%s Name=\"%s\" NameSpace=\"Standard\"><ToolTip>%s</ToolTip>"
		"<Address>0</Address><Length>8</Length><AccessMode>RO</AccessMode>"
		"<pPort>%sPort</pPort><Cachable>NoCache</Cachable>%s"
		"<Endianess>BigEndian</Endianess></%s>\n"
		"<Port Name=\"%sPort\"><ChunkID>%08X</ChunkID></Port>\n",
		node, name, tip, name, sign, node, name, id);
}

static void chunk_features(FILE *out)
{
	static const char unsigned_sign[] = "<Sign>Unsigned</Sign>";

	boolean(out, "ChunkModeActive", "Chunk data come with each image.", "ChunkModeActiveReg");
	fprintf(out,
		"<IntReg Name=\"ChunkModeActiveReg\"><Address>0x%X</Address><Length>4</Length>"
		"<AccessMode>RW</AccessMode>" ON_DEVICE BIG_ENDIAN_WORD "</IntReg>\n",
		GVCAM_CHUNK_MODE);
	chunk(out, "ChunkFrameID", "Block id.", "IntReg", unsigned_sign, GVCAM_CHUNK_FRAME_ID);
	chunk(out, "ChunkExposureTime", "Microseconds.", "FloatReg", "", GVCAM_CHUNK_EXPOSURE);
	chunk(out, "ChunkTimestamp", "Ticks.", "IntReg", unsigned_sign, GVCAM_CHUNK_TIMESTAMP);
}

static void stream_channel_features(FILE *out)
{
	char modes[512] = "";

	field(out, "GevSCPHostPort", "Port the stream goes to; 0 closes it.", "GevSCPHostPortReg",
	      GVCP_REG_SCP, 16, 31, "RW");
	integer(out, "GevSCDA", "Address the stream goes to.", GVCP_REG_SCDA, 4, "RW");
	integer(out, "GevSCSP", "Port the stream comes from.", GVCP_REG_SCSP, 4, "RO");
	fprintf(out,
		"<Integer Name=\"GevSCPSPacketSize\" NameSpace=\"Standard\">"
		"<ToolTip>Bytes of a packet with IP, UDP and GVSP headers.</ToolTip>"
		"<pValue>GevSCPSPacketSizeReg</pValue><Min>%d</Min><Max>%d</Max><Inc>4</Inc>"
		"</Integer>\n",
		GVCAM_PACKET_MIN, GVCAM_PACKET_MAX);
	bits(out, "GevSCPSPacketSizeReg", GVCP_REG_SCPS, 16, 31, "RW");
	command(out, "GevSCPSFireTestPacket", "Sends one test packet.", "GevSCPSFireTestPacketReg",
		1);
	bits(out, "GevSCPSFireTestPacketReg", GVCP_REG_SCPS, 0, 0, "RW");
	boolean(out, "GevSCPSDoNotFragment", "Sets DF on stream packets.",
		"GevSCPSDoNotFragmentReg");
	bits(out, "GevSCPSDoNotFragmentReg", GVCP_REG_SCPS, 1, 1, "RW");
	integer(out, "GevSCPD", "Ticks between packets.", GVCP_REG_SCPD, 4, "RW");
	entry(modes, sizeof(modes), "Off", 0);
	entry(modes, sizeof(modes), "On", 1);
	fprintf(out,
		"<Enumeration Name=\"GevGVSPExtendedIDMode\" NameSpace=\"Standard\">"
		"<ToolTip>64-bit block ids.</ToolTip>%s<pValue>GevGVSPExtendedIDModeReg</pValue>"
		"</Enumeration>\n",
		modes);
	bits(out, "GevGVSPExtendedIDModeReg", GVCP_REG_GVSP_CONFIG, 1, 1, "RW");
}

static void transport_features(FILE *out)
{
	char privileges[1024] = "";

	integer(out, "PayloadSize", "Bytes of an image.", GVCAM_PAYLOAD_SIZE, 4, "RO");
	field(out, "GevVersionMajor", "Of the protocol.", "GevVersionMajorReg", GVCP_REG_VERSION, 0,
	      15, "RO");
	field(out, "GevVersionMinor", "Of the protocol.", "GevVersionMinorReg", GVCP_REG_VERSION,
	      16, 31, "RO");
	integer(out, "GevMACAddress", "Lower 48 bits.", GVCP_REG_MAC_HIGH, 8, "RO");
	integer(out, "GevCurrentIPAddress", "Of the camera.", GVCP_REG_IP, 4, "RO");
	integer(out, "GevCurrentSubnetMask", "Of the camera.", GVCP_REG_MASK, 4, "RO");
	integer(out, "GevCurrentDefaultGateway", "Of the camera.", GVCP_REG_GATEWAY, 4, "RO");
	integer(out, "GevNumberOfInterfaces", "Network interfaces.", GVCP_REG_INTERFACES, 4, "RO");
	integer(out, "GevLinkSpeed", "Mbit/s.", GVCP_REG_LINK_SPEED, 4, "RO");
	integer(out, "GevMessageChannelCount", "Message channels.", GVCP_REG_MESSAGE_CHANNELS, 4,
		"RO");
	integer(out, "GevStreamChannelCount", "Stream channels.", GVCP_REG_STREAM_CHANNELS, 4,
		"RO");
	limited(out, "GevHeartbeatTimeout", "Milliseconds of silence until control is lost.",
		GVCP_REG_HEARTBEAT, GVCAM_HEARTBEAT_MIN, 2147483647, 1);
	integer(out, "GevTimestampTickFrequency", "Ticks a second.", GVCP_REG_TICKS_HIGH, 8, "RO");
	command(out, "GevTimestampControlLatch", "Copies the timestamp to GevTimestampValue.",
		"GevTimestampControlReg", GVCP_TIMESTAMP_LATCH);
	command(out, "GevTimestampControlReset", "Sets the timestamp to 0.",
		"GevTimestampControlReg", GVCP_TIMESTAMP_RESET);
	write_only(out, "GevTimestampControlReg", GVCP_REG_TIMESTAMP_CONTROL);
	integer(out, "GevTimestampValue", "Latched timestamp.", GVCP_REG_TIMESTAMP_HIGH, 8, "RO");
	entry(privileges, sizeof(privileges), "OpenAccess", 0);
	entry(privileges, sizeof(privileges), "ExclusiveAccess", GVCP_PRIVILEGE_EXCLUSIVE);
	entry(privileges, sizeof(privileges), "ControlAccess", GVCP_PRIVILEGE_CONTROL);
	enumeration(out, "GevCCP", "Who may control the camera.", privileges, GVCP_REG_PRIVILEGE);
	stream_channel_features(out);
}

int gvcam_genicam_create(const struct gvcam_genicam *genicam, char **ret_xml, size_t *ret_bytes)
{
	char *xml = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&xml, &bytes);
	bool failed;

	if (!out)
		return -ENOMEM;
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	      "<RegisterDescription ModelName=\"gvcam\" VendorName=\"Sallyport\" "
	      "ToolTip=\"Simulated camera\" StandardNameSpace=\"GEV\" SchemaMajorVersion=\"1\" "
	      "SchemaMinorVersion=\"1\" SchemaSubMinorVersion=\"0\" MajorVersion=\"1\" "
	      "MinorVersion=\"0\" SubMinorVersion=\"0\" "
	      "ProductGuid=\"7B1F6C52-53A0-4D6B-9B7E-2C6A4B7D0E11\" "
	      "VersionGuid=\"E2A5F0B4-0C4E-4D0A-8A57-6B0E5D2C9F34\" "
	      "xmlns=\"http://www.genicam.org/GenApi/Version_1_1\">\n",
	      out);
	categories(out);
	device_features(out);
	format_features(out, genicam);
	acquisition_features(out);
	chunk_features(out);
	transport_features(out);
	fputs("<Port Name=\"Device\" NameSpace=\"Standard\"/>\n</RegisterDescription>\n", out);
	/* Memory is read in words. */
	fflush(out);
	for (size_t i = bytes; i % 4; i++)
		fputc(0, out);
	failed = ferror(out);
	if (fclose(out) || failed) {
		free(xml);
		return -ENOMEM;
	}
	*ret_xml = xml;
	*ret_bytes = bytes;
	return 0;
}
