// SPDX-License-Identifier: GPL-2.0
/*
 * Eventfds in place of exits.
 *
 * ioeventfds are found under vm->slots_lock, with the slot that is not there: a
 * fault holds it for reading anyway, so they cost it no lock of their own, and a
 * removal, which holds it for writing, needs no grace period to know that no vCPU
 * signals any more.  What eventfd_signal() does under it is short: it wakes, and
 * whom it wakes cannot sleep in there.
 */
#include <linux/eventfd.h>
#include <linux/log2.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "kmod.h"

/**
 * struct ioeventfd - a write of the guest that signals
 * @ipa: guest physical address.
 * @data: what the bits of @mask are.
 * @mask: the bits of the value that matter; for all at one place the same.
 * @len: bytes.
 * @ctx: the eventfd.
 */
struct ioeventfd {
	u64 ipa;
	u64 data;
	u64 mask;
	u32 len;
	struct eventfd_ctx *ctx;
};

/* The order of vm->ioeventfds: by place, and there by value. */
static int compare(const struct ioeventfd *a, const struct ioeventfd *b)
{
	if (a->ipa != b->ipa)
		return a->ipa < b->ipa ? -1 : 1;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	if (a->data != b->data)
		return a->data < b->data ? -1 : 1;
	return 0;
}

/* Index of the first one that is not before @key; with vm->slots_lock. */
static u32 index_of(const struct vm *vm, const struct ioeventfd *key)
{
	u32 low = 0, high = vm->nr_ioeventfds;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (compare(vm->ioeventfds[mid], key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* One of those at a place, or NULL; with vm->slots_lock. */
static struct ioeventfd *find_place(const struct vm *vm, u64 ipa, u32 len)
{
	const struct ioeventfd key = { .ipa = ipa, .len = len };
	u32 i = index_of(vm, &key);

	if (i == vm->nr_ioeventfds || vm->ioeventfds[i]->ipa != ipa ||
	    vm->ioeventfds[i]->len != len)
		return NULL;
	return vm->ioeventfds[i];
}

static bool is_at(const struct vm *vm, u32 i, const struct ioeventfd *key)
{
	return i < vm->nr_ioeventfds && !compare(vm->ioeventfds[i], key);
}

static void ioeventfd_free(struct ioeventfd *e)
{
	eventfd_ctx_put(e->ctx);
	kfree(e);
}

/* With vm->slots_lock for writing. */
static int insert(struct vm *vm, struct ioeventfd *e)
{
	const struct ioeventfd *other = find_place(vm, e->ipa, e->len);
	u32 i = index_of(vm, e);

	if (is_at(vm, i, e) || (other && other->mask != e->mask) ||
	    gic_overlaps(vm, e->ipa, e->len) || posted_overlaps(vm, e->ipa, e->len))
		return -EEXIST;
	if (vm->nr_ioeventfds == ARMVCPU_MAX_IOEVENTFDS)
		return -ENOSPC;
	memmove(&vm->ioeventfds[i + 1], &vm->ioeventfds[i],
		(vm->nr_ioeventfds - i) * sizeof(vm->ioeventfds[0]));
	vm->ioeventfds[i] = e;
	vm->nr_ioeventfds++;
	WRITE_ONCE(vm->layout, vm->layout + 1);
	return 0;
}

static int ioeventfd_add(struct vm *vm, struct ioeventfd *new)
{
	struct ioeventfd *e = kmemdup(new, sizeof(*new), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!e)
		return -ENOMEM;
	down_write(&vm->slots_lock);
	ret = insert(vm, e);
	up_write(&vm->slots_lock);
	if (ret)
		kfree(e);
	return ret;
}

static int ioeventfd_remove(struct vm *vm, const struct ioeventfd *old)
{
	struct ioeventfd *e = NULL;
	u32 i;

	down_write(&vm->slots_lock);
	i = index_of(vm, old);
	if (is_at(vm, i, old) && vm->ioeventfds[i]->mask == old->mask &&
	    vm->ioeventfds[i]->ctx == old->ctx) {
		e = vm->ioeventfds[i];
		vm->nr_ioeventfds--;
		WRITE_ONCE(vm->layout, vm->layout + 1);
		memmove(&vm->ioeventfds[i], &vm->ioeventfds[i + 1],
			(vm->nr_ioeventfds - i) * sizeof(vm->ioeventfds[0]));
	}
	up_write(&vm->slots_lock);
	if (!e)
		return -ENOENT;
	ioeventfd_free(e);
	return 0;
}

static bool is_valid(const struct vm *vm, const struct armvcpu_ioeventfd *arg)
{
	u64 end;

	if (arg->flags & ~ARMVCPU_IOEVENTFD_FLAGS || arg->pad || arg->reserved[0] ||
	    arg->reserved[1])
		return false;
	if (!is_power_of_2(arg->len) || arg->len > sizeof(arg->data))
		return false;
	if (arg->data_mask & ~GENMASK_ULL(arg->len * 8 - 1, 0) || arg->data & ~arg->data_mask)
		return false;
	return !check_add_overflow(arg->ipa, (u64)arg->len, &end) && end <= BIT_ULL(vm->ipa_bits);
}

/**
 * ioeventfd_set() - ARMVCPU_SET_IOEVENTFD
 * @vm: the VM.
 * @arg: a copy of the caller's.
 *
 * Return: 0, or an error of the ioctl, and nothing has changed.
 */
int ioeventfd_set(struct vm *vm, const struct armvcpu_ioeventfd *arg)
{
	struct ioeventfd e = {
		.ipa = arg->ipa,
		.data = arg->data,
		.mask = arg->data_mask,
		.len = arg->len,
	};
	bool remove = arg->flags & ARMVCPU_IOEVENTFD_REMOVE;
	int ret;

	if (!is_valid(vm, arg))
		return -EINVAL;
	e.ctx = eventfd_ctx_fdget(arg->fd);
	if (IS_ERR(e.ctx))
		return PTR_ERR(e.ctx);
	ret = remove ? ioeventfd_remove(vm, &e) : ioeventfd_add(vm, &e);
	/* What has been added keeps it. */
	if (ret || remove)
		eventfd_ctx_put(e.ctx);
	return ret;
}

/**
 * ioeventfd_signal() - a write of the guest to where no memory is
 * @vm: the VM; its slots_lock is held.
 * @ipa: guest physical address.
 * @len: bytes.
 * @data: the value, zero-extended.
 *
 * Return: true if an eventfd has been signalled, and nobody else wants to know.
 */
bool ioeventfd_signal(struct vm *vm, u64 ipa, u32 len, u64 data)
{
	struct ioeventfd key = { .ipa = ipa, .len = len };
	const struct ioeventfd *e = find_place(vm, ipa, len);
	u32 i;

	if (!e)
		return false;
	key.data = data & e->mask;
	i = index_of(vm, &key);
	if (!is_at(vm, i, &key))
		return false;
	compat_eventfd_signal(vm->ioeventfds[i]->ctx);
	return true;
}

/**
 * ioeventfd_overlaps() - is there an ioeventfd in a range?
 * @vm: the VM; its slots_lock is held.
 * @ipa: guest physical address.
 * @size: bytes; does not wrap around.
 */
bool ioeventfd_overlaps(struct vm *vm, u64 ipa, u64 size)
{
	u32 low = 0, high = vm->nr_ioeventfds;

	/* The first one that may reach into it: none is longer than 8 bytes. */
	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (vm->ioeventfds[mid]->ipa + 8 <= ipa)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < vm->nr_ioeventfds && vm->ioeventfds[low]->ipa < ipa + size; low++)
		if (ipa < vm->ioeventfds[low]->ipa + vm->ioeventfds[low]->len)
			return true;
	return false;
}

/**
 * ioeventfd_destroy_all() - let go of all eventfds
 * @vm: the VM; none of its vCPUs is left.
 */
void ioeventfd_destroy_all(struct vm *vm)
{
	while (vm->nr_ioeventfds)
		ioeventfd_free(vm->ioeventfds[--vm->nr_ioeventfds]);
}
