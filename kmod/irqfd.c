// SPDX-License-Identifier: GPL-2.0
/*
 * Eventfds that raise interrupts.
 *
 * A signal is taken where it is sent, by an entry in the eventfd's wait queue: no
 * thread is woken for it.  With RESAMPLE the line stays up until the guest has come
 * to the end of the interrupt, and an eventfd tells the device to look again.
 *
 * An irqfd is on vm->irqfds for as long as it works.  Who takes it off that list,
 * be it ARMVCPU_IRQFD_REMOVE, the last close of the eventfd or the end of the VM,
 * queues its shutdown, once; and who must know that it is over flushes the queue.
 */
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/list.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "kmod.h"

/**
 * struct irqfd - an eventfd that raises an SPI
 * @link: vm->irqfds; empty once it is on its way out.
 * @vm: the VM.
 * @intid: the SPI.
 * @ctx: the eventfd.
 * @wqh: its wait queue.
 * @wait: the entry there.
 * @resample: the eventfd that is signalled at the end of the interrupt, or NULL.
 * @resample_link: vm->resamplers.
 * @shutdown: frees all of it.
 */
struct irqfd {
	struct list_head link;
	struct vm *vm;
	u32 intid;
	struct eventfd_ctx *ctx;
	wait_queue_head_t *wqh;
	wait_queue_entry_t wait;
	struct eventfd_ctx *resample;
	struct list_head resample_link;
	struct work_struct shutdown;
};

/* Of all VMs; what is in there ends before its VM does. */
static struct workqueue_struct *shutdowns;

/**
 * irqfd_init() - the queue for irqfds that end
 *
 * Return: 0 or -ENOMEM.
 */
int irqfd_init(void)
{
	shutdowns = alloc_workqueue("armvcpu-irqfd", WQ_UNBOUND, 0);
	return shutdowns ? 0 : -ENOMEM;
}

/**
 * irqfd_exit() - no VM is left
 */
void irqfd_exit(void)
{
	destroy_workqueue(shutdowns);
}

/* In any context. */
static void raise_irq(struct irqfd *irqfd)
{
	if (irqfd->resample)
		gic_set_line(irqfd->vm, NULL, irqfd->intid, true);
	else
		gic_latch(irqfd->vm, irqfd->intid);
}

/* With vm->irqfds_lock. */
static void deactivate(struct irqfd *irqfd)
{
	list_del_init(&irqfd->link);
	queue_work(shutdowns, &irqfd->shutdown);
}

/* With the lock of the eventfd's wait queue. */
static int irqfd_wake(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct irqfd *irqfd = container_of(wait, struct irqfd, wait);
	__poll_t events = key_to_poll(key);
	unsigned long flags;
	u64 count;

	if (events & EPOLLIN) {
		eventfd_ctx_do_read(irqfd->ctx, &count);
		raise_irq(irqfd);
	}
	/* Its last file is closed: it is signalled no more. */
	if (events & EPOLLHUP) {
		spin_lock_irqsave(&irqfd->vm->irqfds_lock, flags);
		if (!list_empty(&irqfd->link))
			deactivate(irqfd);
		spin_unlock_irqrestore(&irqfd->vm->irqfds_lock, flags);
	}
	return 0;
}

static bool has_resampler(struct vm *vm, u32 intid)
{
	struct irqfd *irqfd;

	list_for_each_entry(irqfd, &vm->resamplers, resample_link)
		if (irqfd->intid == intid)
			return true;
	return false;
}

static void irqfd_free(struct irqfd *irqfd)
{
	if (irqfd->resample)
		eventfd_ctx_put(irqfd->resample);
	eventfd_ctx_put(irqfd->ctx);
	kfree(irqfd);
}

static void irqfd_shutdown(struct work_struct *work)
{
	struct irqfd *irqfd = container_of(work, struct irqfd, shutdown);
	struct vm *vm = irqfd->vm;

	/* No signal reaches it any more, and none is on its way. */
	remove_wait_queue(irqfd->wqh, &irqfd->wait);
	if (irqfd->resample) {
		mutex_lock(&vm->irqfds_mutex);
		list_del(&irqfd->resample_link);
		if (!has_resampler(vm, irqfd->intid)) {
			gic_set_resample(vm, irqfd->intid, false);
			gic_set_line(vm, NULL, irqfd->intid, false);
		}
		mutex_unlock(&vm->irqfds_mutex);
	}
	irqfd_free(irqfd);
	spin_lock_irq(&vm->irqfds_lock);
	vm->nr_irqfds--;
	spin_unlock_irq(&vm->irqfds_lock);
}

/**
 * irqfd_resample() - a level-sensitive interrupt has come to its end
 * @vm: the VM.
 * @intid: an SPI.
 *
 * May sleep.  Down first, then the signal: a device that still wants the interrupt
 * raises it again in answer to that.
 */
void irqfd_resample(struct vm *vm, u32 intid)
{
	struct irqfd *irqfd;

	mutex_lock(&vm->irqfds_mutex);
	if (has_resampler(vm, intid)) {
		gic_set_line(vm, NULL, intid, false);
		list_for_each_entry(irqfd, &vm->resamplers, resample_link)
			if (irqfd->intid == intid)
				compat_eventfd_signal(irqfd->resample);
	}
	mutex_unlock(&vm->irqfds_mutex);
}

/* ---- the ioctl --------------------------------------------------------- */

/**
 * struct irqfd_poll - who asks the eventfd for its wait queue
 * @pt: what it is given.
 * @irqfd: the irqfd.
 */
struct irqfd_poll {
	poll_table pt;
	struct irqfd *irqfd;
};

static void enqueue(struct file *file, wait_queue_head_t *wqh, poll_table *pt)
{
	struct irqfd *irqfd = container_of(pt, struct irqfd_poll, pt)->irqfd;

	irqfd->wqh = wqh;
	add_wait_queue(wqh, &irqfd->wait);
}

/* With vm->irqfds_lock. */
static struct irqfd *find(struct vm *vm, const struct eventfd_ctx *ctx)
{
	struct irqfd *irqfd;

	list_for_each_entry(irqfd, &vm->irqfds, link)
		if (irqfd->ctx == ctx)
			return irqfd;
	return NULL;
}

/* Its place among the others; with vm->irqfds_mutex. */
static int link_irqfd(struct vm *vm, struct irqfd *irqfd)
{
	int ret = 0;

	spin_lock_irq(&vm->irqfds_lock);
	if (find(vm, irqfd->ctx))
		ret = -EEXIST;
	else if (vm->nr_irqfds == ARMVCPU_MAX_IRQFDS)
		ret = -ENOSPC;
	if (!ret) {
		list_add_tail(&irqfd->link, &vm->irqfds);
		vm->nr_irqfds++;
	}
	spin_unlock_irq(&vm->irqfds_lock);
	return ret;
}

/* From here on its signals are interrupts.  As long as @file is held, it is open. */
static void watch(struct irqfd *irqfd, struct file *file)
{
	struct irqfd_poll poll = { .irqfd = irqfd };
	u64 count;

	init_waitqueue_func_entry(&irqfd->wait, irqfd_wake);
	init_poll_funcptr(&poll.pt, enqueue);
	vfs_poll(file, &poll.pt);
	/* What was signalled before. */
	spin_lock_irq(&irqfd->wqh->lock);
	eventfd_ctx_do_read(irqfd->ctx, &count);
	spin_unlock_irq(&irqfd->wqh->lock);
	if (count)
		raise_irq(irqfd);
}

static int irqfd_start(struct vm *vm, struct irqfd *irqfd, struct file *file)
{
	int ret;

	mutex_lock(&vm->irqfds_mutex);
	ret = link_irqfd(vm, irqfd);
	if (!ret) {
		if (irqfd->resample) {
			list_add_tail(&irqfd->resample_link, &vm->resamplers);
			gic_set_resample(vm, irqfd->intid, true);
		}
		watch(irqfd, file);
	}
	mutex_unlock(&vm->irqfds_mutex);
	return ret;
}

static struct irqfd *irqfd_alloc(struct vm *vm, const struct armvcpu_irqfd *arg,
				 struct file *file)
{
	struct irqfd *irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);
	void *ret;

	if (!irqfd)
		return ERR_PTR(-ENOMEM);
	irqfd->vm = vm;
	irqfd->intid = arg->intid;
	INIT_WORK(&irqfd->shutdown, irqfd_shutdown);
	irqfd->ctx = eventfd_ctx_fileget(file);
	if (IS_ERR(irqfd->ctx)) {
		ret = irqfd->ctx;
		goto out_irqfd;
	}
	if (!(arg->flags & ARMVCPU_IRQFD_RESAMPLE))
		return irqfd;
	irqfd->resample = eventfd_ctx_fdget(arg->resample_fd);
	if (IS_ERR(irqfd->resample)) {
		ret = irqfd->resample;
		goto out_ctx;
	}
	return irqfd;

out_ctx:
	eventfd_ctx_put(irqfd->ctx);
out_irqfd:
	kfree(irqfd);
	return ret;
}

static int irqfd_add(struct vm *vm, const struct armvcpu_irqfd *arg)
{
	/* The wait queue must be that of the eventfd: one look at the descriptor. */
	struct file *file = fget(arg->fd);
	struct irqfd *irqfd;
	int ret;

	if (!file)
		return -EBADF;
	irqfd = irqfd_alloc(vm, arg, file);
	if (IS_ERR(irqfd)) {
		ret = PTR_ERR(irqfd);
		goto out;
	}
	ret = irqfd_start(vm, irqfd, file);
	if (ret == -ENOSPC) {
		/* Some may only be waiting for their end. */
		flush_workqueue(shutdowns);
		ret = irqfd_start(vm, irqfd, file);
	}
	if (ret)
		irqfd_free(irqfd);
out:
	fput(file);
	return ret;
}

static int irqfd_remove(struct vm *vm, const struct armvcpu_irqfd *arg)
{
	bool resample = arg->flags & ARMVCPU_IRQFD_RESAMPLE;
	struct eventfd_ctx *ctx = eventfd_ctx_fdget(arg->fd);
	struct irqfd *irqfd;
	int ret = -ENOENT;

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	/* One that is being added has a wait queue to be taken off. */
	mutex_lock(&vm->irqfds_mutex);
	spin_lock_irq(&vm->irqfds_lock);
	irqfd = find(vm, ctx);
	if (irqfd && irqfd->intid == arg->intid && !!irqfd->resample == resample) {
		deactivate(irqfd);
		ret = 0;
	}
	spin_unlock_irq(&vm->irqfds_lock);
	mutex_unlock(&vm->irqfds_mutex);
	eventfd_ctx_put(ctx);
	if (!ret)
		flush_workqueue(shutdowns);
	return ret;
}

/**
 * irqfd_set() - ARMVCPU_SET_IRQFD
 * @vm: the VM.
 * @arg: a copy of the caller's.
 *
 * Return: 0, or an error of the ioctl, and nothing has changed.
 */
int irqfd_set(struct vm *vm, const struct armvcpu_irqfd *arg)
{
	struct gic *gic = READ_ONCE(vm->gic);

	if (arg->flags & ~ARMVCPU_IRQFD_FLAGS || arg->reserved[0] || arg->reserved[1])
		return -EINVAL;
	if (arg->resample_fd && !(arg->flags & ARMVCPU_IRQFD_RESAMPLE))
		return -EINVAL;
	if (!gic)
		return -ENXIO;
	if (!gic_irq_of(gic, NULL, arg->intid))
		return -EINVAL;
	return arg->flags & ARMVCPU_IRQFD_REMOVE ? irqfd_remove(vm, arg) : irqfd_add(vm, arg);
}

/**
 * irqfd_destroy_all() - no eventfd raises anything any more
 * @vm: the VM; none of its vCPUs is left, its GIC still is.
 */
void irqfd_destroy_all(struct vm *vm)
{
	struct irqfd *irqfd, *next;

	spin_lock_irq(&vm->irqfds_lock);
	list_for_each_entry_safe(irqfd, next, &vm->irqfds, link)
		deactivate(irqfd);
	spin_unlock_irq(&vm->irqfds_lock);
	/* Also those whose eventfd has just been closed. */
	flush_workqueue(shutdowns);
}
