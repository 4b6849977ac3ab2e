// SPDX-License-Identifier: GPL-2.0
/*
 * What comes from outside by other ways than the guest: a kernel's header, the words of
 * --net, and a command line that becomes a device tree. There is no more: the VMM reads no
 * state of a guest, and no device tree; firmware, initial ramdisk and disks are bytes to it.
 */
#include <endian.h>
#include <libfdt.h>
#include <setjmp.h>

#include "board.h"
#include "boot.h"
#include "fuzz.h"

const size_t fuzz_input_size = 512;

/* Of a device tree, what the longest command line has to leave. */
#define TREE_MAX	(32 * KIB)

/* die() is an answer, but only to what cannot be done. Linked with --wrap=die. */
static jmp_buf died;
static bool may_die;

void __wrap_die(const char *fmt, ...) __printf(1, 2) __noreturn;

void __wrap_die(const char *fmt, ...)
{
	EXPECT(fmt[0]);
	EXPECT(may_die);
	longjmp(died, 1);
}

static void image(struct fuzz *in)
{
	struct image_header header;
	u64 size = fuzz_u8(in) & 1 ? fuzz_u16(in) : fuzz_u64(in), offset = 0, memory = 0;
	const char *wrong;
	u8 bits;

	fuzz_bytes(in, &header, sizeof(header));
	bits = fuzz_u8(in);
	if (bits & 1)
		header.magic = htole32(0x644d5241);
	if (bits & 2)
		header.text_offset &= htole64(0x3fffff);
	if (bits & 4)
		header.image_size &= htole64(0xfffffff);
	wrong = boot_parse_image(&header, size, &offset, &memory);
	if (wrong) {
		EXPECT(wrong[0]);
		return;
	}
	EXPECT(!(offset % 8) && offset <= 2 * MIB);
	EXPECT(memory >= size && size >= sizeof(header) && memory <= BOARD_RAM_MAX);
}

static void text(struct fuzz *in, char *buf, size_t size)
{
	fuzz_bytes(in, buf, size);
	buf[size - 1] = '\0';
}

static void net(struct fuzz *in)
{
	static const char *const words[] = {
		"user", "tap", ",", ",hostfwd=", "tcp:", "udp:", ":", "-", ",mac=", ",ifname=",
		",restrict=on", ",host=off", "127.0.0.1", "22", "65536", "52:54:00:12:34:56",
	};
	struct net_config config = { 0 };
	unsigned int count = fuzz_u8(in) % 32;
	char arg[512] = "", raw[8];
	size_t len = 0;

	while (count-- && len < sizeof(arg) - 64) {
		u8 which = fuzz_u8(in);

		text(in, raw, sizeof(raw));
		len += snprintf(arg + len, 64, "%s",
				which & 0x80 ? raw : words[which % ARRAY_SIZE(words)]);
	}
	if (net_parse(&config, arg))
		return;
	EXPECT(config.kind == NET_USER || config.kind == NET_TAP);
	EXPECT(config.num_forwards <= NET_MAX_FORWARDS);
	EXPECT(strlen(config.ifname) < sizeof(config.ifname));
	EXPECT(!(config.mac[0] & 1));
}

/* A command line that does not fit, or only just. */
static const char *long_append(struct fuzz *in)
{
	static char append[BOARD_FDT_MAX + 1];
	size_t len = sizeof(append) - 1 - fuzz_u32(in) % (2 * TREE_MAX);

	memset(append, 'a', len);
	append[len] = '\0';
	may_die = len > BOARD_FDT_MAX - TREE_MAX;
	return append;
}

/* Whatever the command line is, what the guest gets is a device tree. */
static void tree(struct fuzz *in)
{
	static char fdt[BOARD_FDT_MAX];
	struct boot_plan plan = { .fdt = BOARD_RAM_BASE };
	struct config config = { 0 };
	char append[256];
	int node;

	text(in, append, sizeof(append));
	config.append = fuzz_u8(in) & 1 ? append : NULL;
	config.cpus = 1 + fuzz_u8(in) % BOARD_MAX_CPUS;
	config.mem = 4 * KIB * (1 + fuzz_u32(in) % (BOARD_RAM_MAX / (4 * KIB)));
	config.gic = 2 + (fuzz_u8(in) & 1);
	config.no_gic = fuzz_u8(in) & 1;
	config.num_disks = fuzz_u8(in) % (MAX_DISKS + 1);
	config.num_nets = fuzz_u8(in) % (NET_MAX + 1);
	config.rng = fuzz_u8(in) & 1;
	config.console = fuzz_u8(in) & 1;
	config.balloon = fuzz_u8(in) & 1;
	plan.initrd = fuzz_u64(in);
	plan.initrd_size = fuzz_u8(in) & 1 ? fuzz_u32(in) : 0;
	if (!(fuzz_u8(in) % 16))
		config.append = long_append(in);
	EXPECT(fdt_build(&config, &plan, fdt, sizeof(fdt)) <= sizeof(fdt));
	EXPECT(!fdt_check_full(fdt, sizeof(fdt)));
	node = fdt_path_offset(fdt, "/chosen");
	EXPECT(node >= 0);
	if (config.append)
		EXPECT(!strcmp(fdt_getprop(fdt, node, "bootargs", NULL), config.append));
}

void fuzz_shape(u8 *data, u32 chance)
{
	data[0] = chance;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz in = { data, size };

	may_die = false;
	if (setjmp(died))
		return 0;
	switch (fuzz_u8(&in) % 3) {
	case 0:
		image(&in);
		break;
	case 1:
		net(&in);
		break;
	default:
		tree(&in);
	}
	return 0;
}
