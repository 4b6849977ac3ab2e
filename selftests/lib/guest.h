/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest's side of a test: C functions of the test program itself, which
 * the guest sees at the same addresses (lib/vm.c maps the program into it).
 * A guest function calls nothing of the C library.
 *
 * The guest talks to the test by hypercalls ("ucalls") of an immediate that
 * nothing else uses.
 */
#ifndef SELFTEST_GUEST_H
#define SELFTEST_GUEST_H

#include "types.h"

/* Immediate of the HVC of a ucall. */
#define UCALL_IMM		0x5543

/* First argument of a ucall: function ids that belong to nobody, 64-bit. */
#define UCALL_DONE		0xc3415501
#define UCALL_SYNC		0xc3415502	/* number, three values */
#define UCALL_ASSERT		0xc3415503	/* text, file, line, two values */
#define UCALL_EXCEPTION		0xc3415504	/* vector, esr, elr, far */

/* The guest's address space; with its MMU off, the IPAs are the same. */
#define GUEST_RAM		0x40000000	/* slots of the test's own, normal memory */
#define GUEST_MMIO		0x80000000	/* no memory; device memory, EL0 too */
#define GUEST_USER		0xc0000000	/* for guest_pt_map(): what EL0 sees */
#define GUEST_MMIO_NORMAL	0x100000000	/* GUEST_MMIO again, as normal memory */
#define GUEST_UNMAPPED		0x4000000000	/* no stage 1 translation from here on */

#define GUEST_MAX_CPUS		8
#define GUEST_STACK_SIZE	8192

/* Bits of the address of guest_vectors that lead to a copy of the table. */
#define GUEST_VECTORS_MASK	0x3800

/* Offsets into struct guest_frame, for guest_entry.S. */
#define GUEST_FRAME_ELR		248
#define GUEST_FRAME_SPSR	256
#define GUEST_FRAME_SP_EL0	264
#define GUEST_FRAME_SIZE	272

/* Vectors, as indices into the table. */
#define GUEST_VECTOR_SYNC	0
#define GUEST_VECTOR_IRQ	1
#define GUEST_VECTOR_FIQ	2
#define GUEST_VECTOR_SERROR	3
#define GUEST_VECTOR_SP_ELX	4	/* from EL1h */
#define GUEST_VECTOR_EL0_64	8
#define GUEST_VECTOR_EL0_32	12

/* SCTLR_EL1 of a guest with its MMU off: RES1 and nothing else. */
#define GUEST_SCTLR_RES1	0x30d00800
#define GUEST_SCTLR_M		BIT(0)
#define GUEST_SCTLR_A		BIT(1)
#define GUEST_SCTLR_C		BIT(2)
#define GUEST_SCTLR_SA		BIT(3)
#define GUEST_SCTLR_I		BIT(12)
#define GUEST_SCTLR_EE		BIT(25)
#define GUEST_SCTLR_E0E		BIT(24)
#define GUEST_SCTLR_ON		(GUEST_SCTLR_RES1 | GUEST_SCTLR_M | GUEST_SCTLR_C | \
				 GUEST_SCTLR_SA | GUEST_SCTLR_I)

/* Attr0 normal write-back, Attr1 device nGnRE, Attr2 normal non-cacheable. */
#define GUEST_MAIR		0x4404ff
/* 39 bits by 4K pages from TTBR0, 40 bits out, cacheable and shareable walks. */
#define GUEST_TCR		0x200803519

/* Bits of a stage 1 descriptor. */
#define PTE_VALID		BIT(0)
#define PTE_TABLE		BIT(1)	/* also: page */
#define PTE_ATTR(n)		((n) * 4UL)
#define PTE_USER		BIT(6)
#define PTE_RDONLY		BIT(7)
#define PTE_SHARED		(3UL << 8)
#define PTE_AF			BIT(10)
#define PTE_GP			BIT(50)
#define PTE_PXN			BIT(53)
#define PTE_UXN			BIT(54)
#define PTE_NORMAL		(PTE_ATTR(0) | PTE_SHARED | PTE_AF)
#define PTE_NORMAL_NC		(PTE_ATTR(2) | PTE_SHARED | PTE_AF)
#define PTE_DEVICE		(PTE_ATTR(1) | PTE_AF | PTE_PXN | PTE_UXN)

/* ESR_EL1 */
#define ESR_EC(esr)		((esr) >> 26 & 0x3f)
#define ESR_IL			BIT(25)
#define ESR_ISS(esr)		((esr) & 0x1ffffff)
#define ESR_FSC(esr)		((esr) & 0x3f)
#define EC_UNKNOWN		0x00
#define EC_WFX			0x01
#define EC_CP15_32		0x03
#define EC_FP			0x07
#define EC_BTI			0x0d
#define EC_ILLEGAL		0x0e
#define EC_SVC32		0x11
#define EC_SVC64		0x15
#define EC_HVC64		0x16
#define EC_SMC64		0x17
#define EC_SYS64		0x18
#define EC_IABT_LOW		0x20
#define EC_IABT			0x21
#define EC_PC_ALIGN		0x22
#define EC_DABT_LOW		0x24
#define EC_DABT			0x25
#define EC_SP_ALIGN		0x26
#define EC_SERROR		0x2f
#define EC_BREAKPT_LOW		0x30
#define EC_BREAKPT		0x31
#define EC_STEP_LOW		0x32
#define EC_STEP			0x33
#define EC_WATCHPT		0x35
#define EC_BRK64		0x3c

#define FSC_TRANS_L1		0x05
#define FSC_TRANS_L3		0x07
#define FSC_PERM_L3		0x0f
#define FSC_EXTABT		0x10
#define FSC_EXTABT_WALK(level)	(0x14 | (level))
#define FSC_ALIGN		0x21

/* PSTATE */
#define PSR_EL0T		0x0
#define PSR_EL1T		0x4
#define PSR_EL1H		0x5
#define PSR_MASKED		0x3c0
#define PSR_F			BIT(6)
#define PSR_I			BIT(7)
#define PSR_A			BIT(8)
#define PSR_D			BIT(9)
#define PSR_BTYPE		(3UL << 10)
#define PSR_BTYPE_CALL		(2UL << 10)
#define PSR_IL			BIT(20)
#define PSR_SS			BIT(21)
#define PSR_AA32_USER		0x10
#define PSR_AA32_THUMB		BIT(5)

#ifndef __ASSEMBLY__

#include <assert.h>
#include <stddef.h>

static inline void ucall(u64 id, u64 arg1, u64 arg2, u64 arg3, u64 arg4, u64 arg5)
{
	register u64 x0 asm("x0") = id;
	register u64 x1 asm("x1") = arg1;
	register u64 x2 asm("x2") = arg2;
	register u64 x3 asm("x3") = arg3;
	register u64 x4 asm("x4") = arg4;
	register u64 x5 asm("x5") = arg5;

	asm volatile("hvc %[imm]"
		     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5)
		     : [imm] "i"(UCALL_IMM) : "memory");
}

/* x0 of a call by SMCCC, which may change x1 to x3. */
static inline u64 guest_hvc(u64 fn, u64 arg1, u64 arg2, u64 arg3)
{
	register u64 x0 asm("x0") = fn;
	register u64 x1 asm("x1") = arg1;
	register u64 x2 asm("x2") = arg2;
	register u64 x3 asm("x3") = arg3;

	asm volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
	return x0;
}

#define GUEST_SYNC_ARGS(n, a, b, c) \
	ucall(UCALL_SYNC, (n), (u64)(a), (u64)(b), (u64)(c), 0)
#define GUEST_SYNC(n)		GUEST_SYNC_ARGS(n, 0, 0, 0)
#define GUEST_DONE()		ucall(UCALL_DONE, 0, 0, 0, 0, 0)

/* The texts lie in the program, so the test can read them where they are. */
#define __GUEST_ASSERT(cond, text, a, b) do {					\
	if (!(cond))								\
		ucall(UCALL_ASSERT, (u64)(text), (u64)__FILE__, __LINE__,	\
		      (u64)(a), (u64)(b));					\
} while (0)
#define GUEST_ASSERT(cond)	__GUEST_ASSERT(cond, #cond, 0, 0)
#define GUEST_ASSERT_EQ(want, got) do {						\
	u64 __want = (u64)(want), __got = (u64)(got);				\
										\
	__GUEST_ASSERT(__want == __got, #want " == " #got, __want, __got);	\
} while (0)

#define __guest_str(x)		#x
#define guest_str(x)		__guest_str(x)

#define read_sysreg(name) ({							\
	u64 __value;								\
										\
	asm volatile("mrs %0, " guest_str(name) : "=r"(__value) : : "memory");	\
	__value;								\
})
#define write_sysreg(value, name) ({						\
	asm volatile("msr " guest_str(name) ", %x0" : : "rZ"((u64)(value)) : "memory"); \
})

#define isb() ({ asm volatile("isb" : : : "memory"); })
#define dsb() ({ asm volatile("dsb sy" : : : "memory"); })

/* Single loads and stores, whose syndrome is valid. */
static inline u32 guest_read32(u64 address)
{
	u32 value;

	asm volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static inline u64 guest_read64(u64 address)
{
	u64 value;

	asm volatile("ldr %0, [%1]" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static inline void guest_write32(u64 address, u32 value)
{
	asm volatile("str %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}

static inline void guest_write64(u64 address, u64 value)
{
	asm volatile("str %0, [%1]" : : "r"(value), "r"(address) : "memory");
}

/**
 * struct guest_frame - the registers at an exception in the guest
 * @x: x0 to x30.
 * @elr: ELR_EL1.
 * @spsr: SPSR_EL1.
 * @sp_el0: SP_EL0.
 */
struct guest_frame {
	u64 x[31];
	u64 elr;
	u64 spsr;
	u64 sp_el0;
};

static_assert(offsetof(struct guest_frame, elr) == GUEST_FRAME_ELR, "the offsets above");
static_assert(offsetof(struct guest_frame, spsr) == GUEST_FRAME_SPSR, "the offsets above");
static_assert(offsetof(struct guest_frame, sp_el0) == GUEST_FRAME_SP_EL0, "the offsets above");
static_assert(sizeof(struct guest_frame) == GUEST_FRAME_SIZE, "the offsets above");

/**
 * struct guest_trap - an exception that the guest took as expected
 * @count: how many since it was expected.
 * @vector: GUEST_VECTOR_*, the two kinds added.
 * @esr: ESR_EL1.
 * @far: FAR_EL1.
 * @frame: registers.
 */
struct guest_trap {
	u64 count;
	u64 vector;
	u64 esr;
	u64 far;
	struct guest_frame frame;
};

/**
 * struct guest_cpu - what the guest's vectors know of a vCPU
 * @el0_sp: stack of the caller of guest_el0(), 0 while there is none.
 * @expect: GUEST_EXPECT_*, for the next synchronous exceptions.
 * @trap: the last of them.
 * @handler: takes IRQ, FIQ and SError; by default they are unexpected.
 * @interrupts: how many of those came.
 */
struct guest_cpu {
	u64 el0_sp;
	u64 expect;
	struct guest_trap trap;
	void (*handler)(struct guest_frame *frame, u64 vector);
	u64 interrupts;
};

/* By Aff0 of MPIDR_EL1. */
extern struct guest_cpu guest_cpus[GUEST_MAX_CPUS];

static inline struct guest_cpu *guest_cpu(void)
{
	return &guest_cpus[read_sysreg(mpidr_el1) % GUEST_MAX_CPUS];
}

#define GUEST_EXPECT_NONE	0	/* none: they are reported to the test */
#define GUEST_EXPECT_SKIP	1	/* go on behind the instruction */
#define GUEST_EXPECT_RESUME	2	/* go on with the instruction */

void guest_expect(u64 how);
const struct guest_trap *guest_expected(void);

/*
 * The synchronous exception that a statement causes; its count is 0 if it
 * causes none.  Behind a faulting instruction the guest goes on with the next
 * one, behind a jump to nowhere with the one behind the call.
 */
#define GUEST_TRAP(statement) ({						\
	guest_expect(GUEST_EXPECT_SKIP);					\
	statement;								\
	guest_expected();							\
})

/* One that comes from outside: the guest goes on where it was. */
#define GUEST_TRAP_RESUME(statement) ({						\
	guest_expect(GUEST_EXPECT_RESUME);					\
	statement;								\
	guest_expected();							\
})

/*
 * Runs code at EL0 until its first synchronous exception, which is returned;
 * @x holds x0 to x7.
 */
const struct guest_trap *guest_el0(u64 pc, u64 pstate, u64 sp, const u64 *x);

/* guest_entry.S */
extern const char guest_start[], guest_vectors[];
void guest_el0_enter(struct guest_cpu *cpu, const struct guest_frame *frame);
void __noreturn guest_el0_return(struct guest_cpu *cpu);
void guest_jump(u64 address);

void guest_exception(struct guest_frame *frame, u64 vector);

#endif /* __ASSEMBLY__ */
#endif /* SELFTEST_GUEST_H */
