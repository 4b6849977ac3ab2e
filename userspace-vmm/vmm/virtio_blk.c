// SPDX-License-Identifier: GPL-2.0
/*
 * virtio block device (virtio 1.2, 5.2). Data goes between guest memory and the
 * file without a copy here; the host's page cache is the disk's write cache.
 *
 * The file is that cache's only way to a medium: a flush is an fdatasync(). A
 * driver that does not know of flushes, or has switched the cache off (wce), gets
 * each write on the medium before it is told.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "virtio_blk.h"

#define SECTOR_SIZE	512ULL
#define SECTOR_SHIFT	9
/* A header and a status take two descriptors of a chain. */
#define SEG_MAX		(VIRTQ_MAX_SIZE - 2)
/*
 * What one request may take, as a reset waits for it: zeroes may have to be
 * written.
 */
#define MAX_RANGES	16
#define MAX_DISCARD	(1U << (30 - SECTOR_SHIFT))	/* 1 GiB */
#define MAX_ZEROES	(1U << (24 - SECTOR_SHIFT))	/* 16 MiB */

/* Up to what the structure had when there were discards: 5.2.4. */
#define CONFIG_SIZE	(offsetof(struct virtio_blk_config, unused1) + 3)

static const char zeros[64 * 1024];

/* Sectors that the disk has. */
static bool in_disk(const struct virtio_blk *blk, u64 sector, u64 count)
{
	return sector <= blk->config.capacity &&
	       count <= blk->config.capacity - sector;
}

static bool is_writethrough(const struct virtio_blk *blk)
{
	const struct virtio_device *vdev = &blk->vdev;

	/* 5.2.5.2, and 5.2.6.2 for a driver that cannot flush. */
	if (virtio_has_feature(vdev, VIRTIO_BLK_F_CONFIG_WCE))
		return !__atomic_load_n(&blk->config.wce, __ATOMIC_RELAXED);
	return !virtio_has_feature(vdev, VIRTIO_BLK_F_FLUSH);
}

/* ---- Data -------------------------------------------------------------- */

static ssize_t transfer(struct virtio_blk *blk, bool is_write,
			const struct iovec *iov, unsigned int num, u64 offset)
{
	if (is_write)
		return pwritev2(blk->fd, iov, num, offset,
				is_writethrough(blk) ? RWF_DSYNC : 0);
	return preadv(blk->fd, iov, num, offset);
}

/* All of @len bytes; how many were transferred is in @done in any case. */
static u8 transfer_all(struct virtio_blk *blk, bool is_write,
		       struct iovec *iov, unsigned int num, u64 len,
		       u64 offset, u64 *done)
{
	*done = 0;
	while (*done < len) {
		ssize_t n = transfer(blk, is_write, iov, num, offset + *done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			note("%s: %s", blk->path, strerror(errno));
		/* A file that has become shorter has no more to read. */
		if (n <= 0)
			return VIRTIO_BLK_S_IOERR;
		iov_advance(&iov, &num, n);
		*done += n;
	}
	return VIRTIO_BLK_S_OK;
}

static u8 read_or_write(struct virtio_blk *blk, struct virtq_chain *chain,
			bool is_write, u64 sector, u64 *written)
{
	u64 len = is_write ? chain->out_len : chain->in_len, done;
	u8 status;

	if (len % SECTOR_SIZE || !in_disk(blk, sector, len / SECTOR_SIZE))
		return VIRTIO_BLK_S_IOERR;
	if (is_write)
		return blk->read_only ? VIRTIO_BLK_S_IOERR :
		       transfer_all(blk, true, chain->out, chain->num_out, len,
				    sector << SECTOR_SHIFT, &done);
	status = transfer_all(blk, false, chain->in, chain->num_in, len,
			      sector << SECTOR_SHIFT, &done);
	*written = done;
	return status;
}

static u8 flush(struct virtio_blk *blk)
{
	if (!fdatasync(blk->fd))
		return VIRTIO_BLK_S_OK;
	note("%s: %s", blk->path, strerror(errno));
	return VIRTIO_BLK_S_IOERR;
}

/* ---- Ranges without data ----------------------------------------------- */

static int punch(struct virtio_blk *blk, u64 offset, u64 len)
{
	return fallocate(blk->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 offset, len) ? -errno : 0;
}

/* What file systems without a call for it get. */
static int write_zeros(struct virtio_blk *blk, u64 offset, u64 len)
{
	while (len) {
		ssize_t n = pwrite(blk->fd, zeros, len < sizeof(zeros) ?
						   len : sizeof(zeros), offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		offset += n;
		len -= n;
	}
	return 0;
}

static int discard(struct virtio_blk *blk, u64 offset, u64 len, u32 flags)
{
	(void)flags;
	return punch(blk, offset, len);
}

static int write_zeroes(struct virtio_blk *blk, u64 offset, u64 len, u32 flags)
{
	int err = -EOPNOTSUPP;

	if (flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP)
		err = punch(blk, offset, len);
	else if (!fallocate(blk->fd, FALLOC_FL_ZERO_RANGE, offset, len))
		err = 0;
	return err ? write_zeros(blk, offset, len) : 0;
}

/* What the driver may ask for, and how it is done. */
struct range_op {
	u32 known_flags;
	u32 max_sectors;
	int (*act)(struct virtio_blk *blk, u64 offset, u64 len, u32 flags);
};

static const struct range_op discard_op = { 0, MAX_DISCARD, discard };
static const struct range_op write_zeroes_op = {
	VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP, MAX_ZEROES, write_zeroes,
};

static u8 check_ranges(const struct virtio_blk *blk, const struct range_op *op,
		       const struct virtio_blk_discard_write_zeroes *ranges,
		       unsigned int count)
{
	unsigned int i;

	/* 5.2.6.2: what is unknown is UNSUPP whatever else is wrong. */
	for (i = 0; i < count; i++) {
		if (ranges[i].flags & ~op->known_flags)
			return VIRTIO_BLK_S_UNSUPP;
	}
	for (i = 0; i < count; i++) {
		if (ranges[i].num_sectors > op->max_sectors ||
		    !in_disk(blk, ranges[i].sector, ranges[i].num_sectors))
			return VIRTIO_BLK_S_IOERR;
	}
	return VIRTIO_BLK_S_OK;
}

/* All of the ranges are good before one is done. */
static u8 do_ranges(struct virtio_blk *blk, struct virtq_chain *chain,
		    const struct range_op *op)
{
	struct virtio_blk_discard_write_zeroes ranges[MAX_RANGES];
	u64 len = chain->out_len;
	unsigned int count = len / sizeof(ranges[0]), i;
	int err = 0;
	u8 status;

	if (!len || len > sizeof(ranges) || len % sizeof(ranges[0]) ||
	    blk->read_only)
		return VIRTIO_BLK_S_IOERR;
	virtq_read(chain, ranges, len);
	status = check_ranges(blk, op, ranges, count);
	if (status != VIRTIO_BLK_S_OK)
		return status;
	for (i = 0; i < count && !err; i++) {
		if (ranges[i].num_sectors)
			err = op->act(blk, ranges[i].sector << SECTOR_SHIFT,
				      ranges[i].num_sectors * SECTOR_SIZE,
				      ranges[i].flags);
	}
	if (!err)
		return is_writethrough(blk) ? flush(blk) : VIRTIO_BLK_S_OK;
	note("%s: %s", blk->path, strerror(-err));
	return err == -EOPNOTSUPP ? VIRTIO_BLK_S_UNSUPP : VIRTIO_BLK_S_IOERR;
}

/* ---- Requests ---------------------------------------------------------- */

static u8 do_request(struct virtio_blk *blk, struct virtq_chain *chain,
		     const struct virtio_blk_outhdr *header, u64 *written)
{
	switch (header->type) {
	case VIRTIO_BLK_T_IN:
		return read_or_write(blk, chain, false, header->sector, written);
	case VIRTIO_BLK_T_OUT:
		return read_or_write(blk, chain, true, header->sector, written);
	case VIRTIO_BLK_T_FLUSH:
		return flush(blk);
	case VIRTIO_BLK_T_GET_ID:
		*written = virtq_write(chain, blk->id, sizeof(blk->id));
		return VIRTIO_BLK_S_OK;
	case VIRTIO_BLK_T_DISCARD:
		if (!virtio_has_feature(&blk->vdev, VIRTIO_BLK_F_DISCARD))
			break;
		return do_ranges(blk, chain, &discard_op);
	case VIRTIO_BLK_T_WRITE_ZEROES:
		if (!virtio_has_feature(&blk->vdev, VIRTIO_BLK_F_WRITE_ZEROES))
			break;
		return do_ranges(blk, chain, &write_zeroes_op);
	}
	return VIRTIO_BLK_S_UNSUPP;
}

/* 2.7.4: how header, data and status are cut into buffers means nothing. */
static s64 blk_request(struct virtqueue *vq, struct virtq_chain *chain)
{
	struct virtio_blk *blk = container_of(vq->vdev, struct virtio_blk,
					      vdev);
	struct virtio_blk_outhdr header;
	u8 *status = virtq_last_in(chain);
	u64 data_len = chain->in_len, written = 0;

	if (!status ||
	    virtq_read(chain, &header, sizeof(header)) != sizeof(header)) {
		virtq_fail(vq, "a request has no header or no status");
		return -1;
	}
	*status = do_request(blk, chain, &header, &written);
	/* 2.7.8.2: only what was written from the first byte on counts. */
	return written < data_len ? written : data_len + 1;
}

static void blk_handle(struct virtio_device *vdev, struct virtqueue *vq)
{
	(void)vdev;
	virtq_serve(vq, blk_request);
}

/* ---- Configuration ----------------------------------------------------- */

static void blk_write_config(struct virtio_device *vdev, u32 offset,
			     unsigned int len, u64 value)
{
	struct virtio_blk *blk = container_of(vdev, struct virtio_blk, vdev);

	/* Whether writes are cached, and nothing else. */
	if (offset == offsetof(struct virtio_blk_config, wce) && len == 1 &&
	    virtio_has_feature(vdev, VIRTIO_BLK_F_CONFIG_WCE))
		__atomic_store_n(&blk->config.wce, value & 1, __ATOMIC_RELAXED);
}

static void blk_reset(struct virtio_device *vdev)
{
	struct virtio_blk *blk = container_of(vdev, struct virtio_blk, vdev);

	blk->config.wce = 1;
}

static const struct virtio_ops blk_ops = {
	.name = "virtio-blk",
	.id = VIRTIO_ID_BLOCK,
	.num_queues = 1,
	.handle = blk_handle,
	.reset = blk_reset,
	.write_config = blk_write_config,
};

/* ---- The file ---------------------------------------------------------- */

struct disk {
	u64 size;
	/* What the medium writes at once. */
	u32 block;
	bool can_punch;
};

static void measure_file(const struct virtio_blk *blk, const struct stat *st,
			 struct disk *disk)
{
	disk->size = st->st_size;
	disk->block = st->st_blksize;
	/* Behind its end, that is without any effect where it is possible. */
	disk->can_punch = !blk->read_only &&
			  !fallocate(blk->fd, FALLOC_FL_PUNCH_HOLE |
					      FALLOC_FL_KEEP_SIZE,
				     align_up(st->st_size, 4096), 4096);
}

static void measure_device(const struct virtio_blk *blk, struct disk *disk)
{
	unsigned int block = 0;

	if (ioctl(blk->fd, BLKGETSIZE64, &disk->size))
		die("--disk %s: %s", blk->path, strerror(errno));
	if (!ioctl(blk->fd, BLKPBSZGET, &block))
		disk->block = block;
	disk->can_punch = !blk->read_only;
}

static void open_disk(struct virtio_blk *blk, struct disk *disk)
{
	struct stat st;

	blk->fd = open(blk->path, (blk->read_only ? O_RDONLY : O_RDWR) |
				  O_CLOEXEC);
	if (blk->fd < 0 && !blk->read_only &&
	    (errno == EACCES || errno == EROFS || errno == EPERM))
		die("--disk %s: %s: ',ro' behind it takes it without writing",
		    blk->path, strerror(errno));
	if (blk->fd < 0 || fstat(blk->fd, &st))
		die("--disk %s: %s", blk->path, strerror(errno));
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		die("--disk %s: neither a regular file nor a block device",
		    blk->path);
	if (flock(blk->fd, (blk->read_only ? LOCK_SH : LOCK_EX) | LOCK_NB))
		die("--disk %s: %s", blk->path, errno == EWOULDBLOCK ?
		    "another VMM uses it" : strerror(errno));
	*disk = (struct disk){ .block = SECTOR_SIZE };
	if (S_ISREG(st.st_mode))
		measure_file(blk, &st, disk);
	else
		measure_device(blk, disk);
	if (!disk->size || disk->size % SECTOR_SIZE)
		die("--disk %s: its size is no multiple of 512", blk->path);
}

static u8 block_exponent(u32 block)
{
	u8 exponent = 0;

	while (exponent < 7 && SECTOR_SIZE << (exponent + 1) <= block)
		exponent++;
	return exponent;
}

void virtio_blk_init(struct virtio_blk *blk, const struct guest_ram *ram,
		     const char *path, bool read_only, const char *id)
{
	u64 features = VIRTIO_BIT(VIRTIO_BLK_F_SEG_MAX) |
		       VIRTIO_BIT(VIRTIO_BLK_F_BLK_SIZE) |
		       VIRTIO_BIT(VIRTIO_BLK_F_TOPOLOGY) |
		       VIRTIO_BIT(VIRTIO_BLK_F_FLUSH) |
		       VIRTIO_BIT(VIRTIO_BLK_F_CONFIG_WCE);
	struct disk disk;

	memset(blk, 0, sizeof(*blk));
	blk->path = path;
	blk->read_only = read_only;
	if (id)
		memcpy(blk->id, id, strnlen(id, sizeof(blk->id)));
	open_disk(blk, &disk);

	if (read_only)
		features |= VIRTIO_BIT(VIRTIO_BLK_F_RO);
	else
		features |= VIRTIO_BIT(VIRTIO_BLK_F_WRITE_ZEROES);
	if (disk.can_punch)
		features |= VIRTIO_BIT(VIRTIO_BLK_F_DISCARD);
	blk->config.capacity = disk.size / SECTOR_SIZE;
	blk->config.seg_max = SEG_MAX;
	blk->config.blk_size = SECTOR_SIZE;
	blk->config.physical_block_exp = block_exponent(disk.block);
	blk->config.min_io_size = 1;
	blk->config.wce = 1;
	if (disk.can_punch) {
		blk->config.max_discard_sectors = MAX_DISCARD;
		blk->config.max_discard_seg = MAX_RANGES;
		blk->config.discard_sector_alignment =
			1 << blk->config.physical_block_exp;
	}
	if (!read_only) {
		blk->config.max_write_zeroes_sectors = MAX_ZEROES;
		blk->config.max_write_zeroes_seg = MAX_RANGES;
		blk->config.write_zeroes_may_unmap = 1;
	}
	virtio_init(&blk->vdev, &blk_ops, ram, features, &blk->config,
		    CONFIG_SIZE);
}

void virtio_blk_close(struct virtio_blk *blk)
{
	close(blk->fd);
	blk->fd = -1;
}
