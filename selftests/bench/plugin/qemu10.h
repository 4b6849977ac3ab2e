/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What bounds.c uses of the interface between QEMU and its TCG plugins, in version 4,
 * which is that of QEMU 10: it can read registers.  Debian has no package with QEMU's own
 * header.
 */
#ifndef BENCH_PLUGIN_QEMU10_H
#define BENCH_PLUGIN_QEMU10_H

#include <linux/types.h>
#include <stddef.h>

#define QEMU_INTERFACE	4

typedef __u32 u32;
typedef __u64 u64;
typedef u64 qemu_plugin_id_t;

/* All of QEMU's own. */
struct qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_register;

/* What a register is called, and by which handle it is read. */
struct qemu_plugin_reg_descriptor {
	struct qemu_plugin_register *handle;
	const char *name;
	const char *feature;
};

/* Of GLib, as far as it is public. */
struct _GByteArray {
	unsigned char *data;
	unsigned int len;
};

struct _GArray {
	char *data;
	unsigned int len;
};

struct _GByteArray *g_byte_array_new(void);
struct _GByteArray *g_byte_array_set_size(struct _GByteArray *array, unsigned int length);

enum qemu_plugin_cb_flags {
	QEMU_PLUGIN_CB_NO_REGS,
	QEMU_PLUGIN_CB_R_REGS,
};

/* Ours, which QEMU looks for. */
extern int qemu_plugin_version;
int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info,
			int argc, char **argv);

/* There is a vCPU; its registers can be asked for. */
void qemu_plugin_register_vcpu_init_cb(qemu_plugin_id_t id,
				       void (*cb)(qemu_plugin_id_t id, unsigned int vcpu));
struct _GArray *qemu_plugin_get_registers(void);
/* Of the vCPU that executes, in a callback with QEMU_PLUGIN_CB_R_REGS: bytes, or -1. */
int qemu_plugin_read_register(struct qemu_plugin_register *handle,
			      struct _GByteArray *buf);

/* A block of code has been translated. */
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   void (*cb)(qemu_plugin_id_t id,
						      struct qemu_plugin_tb *tb));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
u64 qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t idx);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *dest, size_t len);
u64 qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

/* Whenever a block, or an instruction, is executed, before it. */
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  void (*cb)(unsigned int vcpu, void *data),
					  enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    void (*cb)(unsigned int vcpu, void *data),
					    enum qemu_plugin_cb_flags flags, void *data);

/* QEMU ends. */
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id,
				    void (*cb)(qemu_plugin_id_t id, void *data), void *data);

#endif
