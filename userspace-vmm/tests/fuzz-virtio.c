// SPDX-License-Identifier: GPL-2.0
/*
 * The virtio devices under a driver that does what it likes: registers in any order and of
 * any width, rings, descriptors and tables anywhere, memory that changes between two looks,
 * and whatever comes from the device's other end. Behind it a driver by the book must find
 * a device that works.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "driver.h"
#include "fuzz.h"
#include "helper.h"
#include "virtio_balloon.h"
#include "virtio_blk.h"
#include "virtio_console.h"
#include "virtio_net.h"
#include "virtio_rng.h"

#define DISK_SECTORS	64
#define HOST_PAGE	(16 * KIB)

const size_t fuzz_input_size = 4096;
/* Of driver.c's checks, which hold for any device. */
bool failed;

enum device_kind { BLK, BLK_RO, NET, CONSOLE, RNG, BALLOON, NUM_KINDS };

static struct fuzz *input;
static struct driver driver;

static union {
	struct virtio_blk blk;
	struct virtio_net net;
	struct virtio_console console;
	struct virtio_rng rng;
	struct virtio_balloon balloon;
} dev;

/* ---- The other ends ---------------------------------------------------- */

static char disk_path[32];
static int disk_fd, null_fd;

static void check_in_ram(const void *start, size_t len)
{
	const char *p = start, *mem = ram.mem;

	EXPECT(p >= mem && len <= RAM_SIZE && p - mem <= (long)(RAM_SIZE - len));
}

static void link_offload(struct net *net, u64 features)
{
	EXPECT(!(features & ~net->features));
}

static void link_prepare(struct net *net, struct net_poll *poll, unsigned int want)
{
	(void)net;
	(void)want;
	EXPECT(poll->count <= poll->max);
}

static void link_dispatch(struct net *net, struct net_poll *poll)
{
	(void)poll;
	net->gone = fuzz_u8(input) == 0xff;
}

/* Frames that have come here, wanted or not. */
static unsigned int num_sent;

static int link_send(struct net *net, const struct virtio_net_hdr_v1 *hdr,
		     const struct iovec *iov, unsigned int count)
{
	size_t sum = 0;
	unsigned int i;

	(void)net;
	num_sent++;
	EXPECT(!(hdr->flags & ~VIRTIO_NET_HDR_F_NEEDS_CSUM));
	for (i = 0; i < count; i++) {
		check_in_ram(iov[i].iov_base, iov[i].iov_len);
		sum += iov[i].iov_len;
	}
	EXPECT(sum >= ETH_HLEN && sum <= NET_FRAME_MAX);
	/* At the end it takes everything. */
	if (!input->left)
		return 0;
	switch (fuzz_u8(input) % 8) {
	case 0:
		return -EAGAIN;
	case 1:
		return -EINVAL;
	default:
		return 0;
	}
}

static ssize_t link_receive(struct net *net, struct virtio_net_hdr_v1 *hdr, void *frame)
{
	size_t len = fuzz_u16(input);

	(void)net;
	if (!len)
		return -EAGAIN;
	if (len > NET_FRAME_MAX)
		len = NET_FRAME_MAX;
	fuzz_bytes(input, hdr, sizeof(*hdr));
	memset(frame, len, len);
	return len;
}

static void link_close(struct net *net)
{
	(void)net;
}

static const struct net_ops link_ops = {
	.name = "fuzz",
	.offload = link_offload,
	.prepare = link_prepare,
	.dispatch = link_dispatch,
	.send = link_send,
	.receive = link_receive,
	.close = link_close,
};

static struct net far_end;

static bool discard(void *opaque, u64 offset, u64 len)
{
	(void)opaque;
	EXPECT(len && !(offset % HOST_PAGE) && !(len % HOST_PAGE));
	EXPECT(offset <= RAM_SIZE && len <= RAM_SIZE - offset);
	memset((char *)ram.mem + offset, 0, len);
	return fuzz_u8(input) != 0xff;
}

/* ---- The devices ------------------------------------------------------- */

static struct virtio_device *open_device(enum device_kind kind)
{
	static const u8 mac[ETH_ALEN] = { 0x52 };

	switch (kind) {
	case BLK:
	case BLK_RO:
		virtio_blk_init(&dev.blk, &ram, disk_path, kind == BLK_RO, "fuzz");
		return &dev.blk.vdev;
	case NET:
		far_end = (struct net){
			.ops = &link_ops, .mtu = 1500,
			.features = VIRTIO_BIT(VIRTIO_NET_F_CSUM) |
				    VIRTIO_BIT(VIRTIO_NET_F_GUEST_CSUM) |
				    VIRTIO_BIT(VIRTIO_NET_F_GUEST_TSO4) |
				    VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO4) |
				    VIRTIO_BIT(VIRTIO_NET_F_HOST_TSO6),
		};
		virtio_net_init(&dev.net, &ram, &far_end, mac);
		return &dev.net.vdev;
	case CONSOLE:
		virtio_console_init(&dev.console, &ram, null_fd);
		return &dev.console.vdev;
	case RNG:
		virtio_rng_init(&dev.rng, &ram);
		return &dev.rng.vdev;
	default:
		virtio_balloon_init(&dev.balloon, &ram);
		virtio_balloon_set_discard(&dev.balloon, HOST_PAGE, true, discard, NULL);
		return &dev.balloon.vdev;
	}
}

static void close_device(enum device_kind kind, struct virtio_device *vdev)
{
	virtio_stop(vdev);
	switch (kind) {
	case BLK:
	case BLK_RO:
		EXPECT(lseek(disk_fd, 0, SEEK_END) == DISK_SECTORS * 512);
		virtio_blk_close(&dev.blk);
		break;
	case BALLOON:
		EXPECT(virtio_balloon_actual(&dev.balloon) <= RAM_SIZE);
		free(dev.balloon.held);
		free(dev.balloon.held_in);
		break;
	default:
		break;
	}
}

/* The I/O thread's turn, with a wait that is over at once. */
static void turn(struct virtio_device *vdev)
{
	static struct pollfd pfds[VIRTIO_POLL_FDS];
	static unsigned int count;
	int timeout;

	if (count && poll(pfds, count, 0) < 0)
		count = 0;
	count = virtio_turn(vdev, pfds, count, VIRTIO_POLL_FDS, &timeout);
	EXPECT(count <= VIRTIO_POLL_FDS);
}

/* ---- The driver -------------------------------------------------------- */

static u64 any_address(struct fuzz *in)
{
	u8 how = fuzz_u8(in);

	switch (how % 8) {
	case 0:
		return fuzz_u64(in);
	case 1:
		return RAM_BASE + RAM_SIZE - fuzz_u8(in);
	case 2:
		return RAM_BASE - 8 + fuzz_u8(in) % 16;
	case 3:
		return (how & 0x80 ? 0 : ~0ULL << 32) - fuzz_u8(in);
	case 4:	/* The rings themselves. */
		return RAM_BASE + fuzz_u16(in);
	default:
		return DATA + fuzz_u32(in) % DATA_SIZE;
	}
}

static u32 any_length(struct fuzz *in)
{
	u8 how = fuzz_u8(in);

	switch (how % 8) {
	case 0:
		return fuzz_u32(in);
	case 1:
		return ~0U - fuzz_u8(in);
	case 2:	/* A table. */
		return 16 * fuzz_u8(in);
	case 3:
		return 1U << fuzz_u8(in) % 32;
	case 4:
		return 512 * (fuzz_u8(in) % 8);
	default:
		return fuzz_u16(in) % 64;
	}
}

static void set_descriptor(struct fuzz *in, struct vring_desc *table)
{
	unsigned int i = fuzz_u8(in) % 16;

	table[i].addr = any_address(in);
	table[i].len = any_length(in);
	table[i].flags = fuzz_u8(in) & 0x80 ? fuzz_u16(in) : fuzz_u8(in) % 8;
	table[i].next = fuzz_u8(in) & 0x80 ? fuzz_u16(in) : (i + 1) % 16;
}

/* A request that makes sense, but for some of it. */
static void sound_request(struct fuzz *in, struct virtio_device *vdev)
{
	unsigned int q = fuzz_u8(in) % vdev->num_queues, count = 1 + fuzz_u8(in) % 4, i;
	u8 writes = fuzz_u8(in);
	struct buf bufs[4];

	if (!driver.num)
		return;
	for (i = 0; i < count; i++) {
		bufs[i].addr = DATA + 8 * fuzz_u16(in) % DATA_SIZE;
		bufs[i].len = fuzz_u8(in) & 1 ? 512 : 16;
		bufs[i].write = writes >> i & 1;
	}
	/* A header of blk, page numbers of a balloon. */
	if (bufs[0].addr <= DATA + DATA_SIZE - 16) {
		u32 *words = at(bufs[0].addr);

		words[0] = fuzz_u8(in) % 16;
		words[1] = fuzz_u8(in);
		words[2] = fuzz_u8(in);
		words[3] = fuzz_u8(in) & 0x80 ? fuzz_u32(in) : 0;
	}
	driver_submit(&driver, q, bufs, count);
}

static const u16 registers[] = {
	DEVICE_FEATURES, DEVICE_FEATURES_SEL, DRIVER_FEATURES, DRIVER_FEATURES_SEL, QUEUE_SEL,
	QUEUE_NUM, QUEUE_READY, QUEUE_NOTIFY, INTERRUPT_ACK, STATUS, QUEUE_DESC, QUEUE_DESC + 4,
	QUEUE_DRIVER, QUEUE_DRIVER + 4, QUEUE_DEVICE, QUEUE_DEVICE + 4, CONFIG, CONFIG_GENERATION,
};

static void access_register(struct fuzz *in, struct virtio_device *vdev)
{
	u8 how = fuzz_u8(in);
	u64 offset = how & 1 ? registers[fuzz_u8(in) % ARRAY_SIZE(registers)] :
			       fuzz_u16(in) % vdev->dev.size;
	unsigned int len = how & 2 ? fuzz_len(in) : 4;

	if (how & 4)
		vdev->dev.ops->read(&vdev->dev, offset, len);
	else
		vdev->dev.ops->write(&vdev->dev, offset, len,
				     how & 8 ? fuzz_u64(in) : fuzz_u8(in));
}

static void other_end(struct fuzz *in, enum device_kind kind)
{
	u8 chars[64];

	switch (kind) {
	case CONSOLE:
		fuzz_bytes(in, chars, sizeof(chars));
		virtio_console_receive(&dev.console, chars, fuzz_u8(in) % sizeof(chars));
		virtio_console_resize(&dev.console, fuzz_u16(in), fuzz_u16(in));
		break;
	case BALLOON:
		virtio_balloon_set_target(&dev.balloon, fuzz_u32(in) % RAM_SIZE);
		break;
	default:
		break;
	}
}

static void start(struct fuzz *in, struct virtio_device *vdev)
{
	u8 how = fuzz_u8(in);
	u64 features = vdev->features;

	features &= how & 1 ? ~0ULL : fuzz_u64(in);
	driver_start(&driver, vdev, features | F_VERSION_1, 1 << (how >> 1 & 7));
}

static void step(struct fuzz *in, enum device_kind kind, struct virtio_device *vdev)
{
	struct device *bus = &vdev->dev;
	u8 buf[64];

	switch (fuzz_u8(in) % 16) {
	case 0:
		start(in, vdev);
		break;
	case 1:
	case 2:
		access_register(in, vdev);
		break;
	case 3:
		fuzz_bytes(in, buf, sizeof(buf));
		memcpy((char *)ram.mem + fuzz_u32(in) % (RAM_SIZE - sizeof(buf)), buf,
		       sizeof(buf));
		break;
	case 4:
	case 5:
		set_descriptor(in, desc(fuzz_u8(in) % VIRTIO_MAX_QUEUES));
		break;
	case 6:	/* An indirect table. */
		set_descriptor(in, at(DATA + 256 * (fuzz_u8(in) % 16)));
		break;
	case 7:
	case 8:
		if (driver.num)
			driver_offer(&driver, fuzz_u8(in) % VIRTIO_MAX_QUEUES,
				     fuzz_u8(in) & 0x80 ? fuzz_u16(in) : fuzz_u8(in) % 16);
		break;
	case 9:	/* An index that jumps. */
		avail(fuzz_u8(in) % VIRTIO_MAX_QUEUES)->idx = fuzz_u16(in);
		break;
	case 10:
	case 11:
		sound_request(in, vdev);
		break;
	case 12:
		other_end(in, kind);
		break;
	case 13:
		if (fuzz_u8(in) >= 0xf0)
			bus->ops->reset(bus);
		break;
	default:
		turn(vdev);
	}
	EXPECT(vdev->irq.level == !!vdev->interrupt_status);
}

/* Behind all of that: what a driver by the book finds. */
static void check_works(enum device_kind kind, struct virtio_device *vdev)
{
	const struct buf bufs[] = {
		{ DATA, 16, false }, { DATA + 4096, 512, true }, { DATA + 8192, 1, true },
	};
	/* A header without a wish. */
	const struct buf frame = { DATA, sizeof(struct virtio_net_hdr_v1) + ETH_ZLEN, false };
	u32 id, len, features = vdev->features >> 32;
	unsigned int i;

	EXPECT(features & 1);
	driver_start(&driver, vdev, F_VERSION_1, 8);
	/* A sector's number, or a page's four times. */
	memset(at(DATA), 0, 16);
	for (i = 0; kind == BALLOON && i < 4; i++)
		((u32 *)at(DATA))[i] = (RAM_BASE + RAM_SIZE - 4096) >> 12;
	switch (kind) {
	case BLK:
	case BLK_RO:
		driver_submit(&driver, 0, bufs, 3);
		break;
	case RNG:
		driver_submit(&driver, 0, &bufs[1], 1);
		break;
	case BALLOON:
		driver_submit(&driver, 0, bufs, 1);
		break;
	case CONSOLE:
		driver_submit(&driver, 1, bufs, 1);
		break;
	default:
		memset(at(DATA), 0, frame.len);
		driver_submit(&driver, 1, &frame, 1);
	}
	num_sent = 0;
	turn(vdev);
	EXPECT(driver_reap(&driver, kind == CONSOLE || kind == NET, &id, &len));
	EXPECT(kind != NET || num_sent == 1);
	EXPECT(kind != RNG || len == 512);
	if (kind <= BLK_RO)
		EXPECT(len == 513 && !*(u8 *)at(DATA + 8192));
	EXPECT(driver_irq(&driver) == 1);
}

static void set_up(void)
{
	ram_new();
	disk_fd = memfd_create("fuzz-disk", MFD_CLOEXEC);
	null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (disk_fd < 0 || null_fd < 0 || ftruncate(disk_fd, DISK_SECTORS * 512))
		abort();
	snprintf(disk_path, sizeof(disk_path), "/proc/self/fd/%d", disk_fd);
}

/* Half of them begin with a device that works. */
void fuzz_shape(u8 *data, u32 chance)
{
	data[0] = chance % NUM_KINDS;
	if (chance & 0x100)
		data[1] = 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz in = { data, size };
	struct virtio_device *vdev;
	unsigned int i;
	enum device_kind kind;

	if (!ram.mem)
		set_up();
	memset(ram.mem, 0, RAM_SIZE);
	memset(&driver, 0, sizeof(driver));
	input = &in;
	kind = fuzz_u8(&in) % NUM_KINDS;
	vdev = open_device(kind);
	driver.vdev = vdev;
	for (i = 0; i < FUZZ_STEPS && in.left; i++)
		step(&in, kind, vdev);
	in.left = 0;
	check_works(kind, vdev);
	EXPECT(!failed);
	close_device(kind, vdev);
	return 0;
}
