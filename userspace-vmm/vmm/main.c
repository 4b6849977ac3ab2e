// SPDX-License-Identifier: GPL-2.0
/*
 * armvcpu-vmm: runs one guest on /dev/armvcpu. This file is the command line.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board.h"
#include "boot.h"
#include "file.h"
#include "machine.h"
#include "sandbox.h"
#include "term.h"

#define DEFAULT_MEM	(128 * MIB)
#define MIN_MEM		(2 * MIB)
/* Seconds. */
#define MAX_STATS	86400

enum option_id {
	OPT_FIRMWARE = 0x100,
	OPT_KERNEL,
	OPT_FLAT,
	OPT_INITRD,
	OPT_APPEND,
	OPT_CPUS,
	OPT_MEM,
	OPT_MEM_PATH,
	OPT_MEM_PREALLOC,
	OPT_HUGEPAGES,
	OPT_GIC,
	OPT_DISK,
	OPT_NET,
	OPT_CONSOLE,
	OPT_RNG,
	OPT_BALLOON,
	OPT_EARLYCON,
	OPT_DTB_DUMP,
	OPT_STATS,
	OPT_TRACE,
	OPT_TRACE_LIMIT,
	OPT_SANDBOX,
	OPT_USER,
	OPT_VERBOSE,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option options[] = {
	{ "firmware", required_argument, NULL, OPT_FIRMWARE },
	{ "kernel", required_argument, NULL, OPT_KERNEL },
	{ "flat", required_argument, NULL, OPT_FLAT },
	{ "initrd", required_argument, NULL, OPT_INITRD },
	{ "append", required_argument, NULL, OPT_APPEND },
	{ "cpus", required_argument, NULL, OPT_CPUS },
	{ "mem", required_argument, NULL, OPT_MEM },
	{ "mem-path", required_argument, NULL, OPT_MEM_PATH },
	{ "mem-prealloc", no_argument, NULL, OPT_MEM_PREALLOC },
	{ "hugepages", optional_argument, NULL, OPT_HUGEPAGES },
	{ "gic", required_argument, NULL, OPT_GIC },
	{ "disk", required_argument, NULL, OPT_DISK },
	{ "net", required_argument, NULL, OPT_NET },
	{ "console", no_argument, NULL, OPT_CONSOLE },
	{ "rng", no_argument, NULL, OPT_RNG },
	{ "balloon", required_argument, NULL, OPT_BALLOON },
	{ "earlycon", no_argument, NULL, OPT_EARLYCON },
	{ "dtb-dump", required_argument, NULL, OPT_DTB_DUMP },
	{ "stats", optional_argument, NULL, OPT_STATS },
	{ "trace", required_argument, NULL, OPT_TRACE },
	{ "trace-limit", required_argument, NULL, OPT_TRACE_LIMIT },
	{ "sandbox", required_argument, NULL, OPT_SANDBOX },
	{ "user", required_argument, NULL, OPT_USER },
	{ "verbose", no_argument, NULL, OPT_VERBOSE },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ 0 }
};

static const char help[] =
	"Usage: armvcpu-vmm --firmware FILE | --kernel FILE | --flat FILE [OPTION]...\n"
	"Run one guest on /dev/armvcpu, on the machine that QEMU calls virt.\n"
	"\n"
	"What to run (one of these):\n"
	"  --firmware FILE  firmware, in a ROM at address 0\n"
	"  --kernel FILE    an arm64 Linux Image, not compressed\n"
	"  --flat FILE      raw code, at 0x40080000 and entered there\n"
	"\n"
	"With --kernel:\n"
	"  --initrd FILE    initial ramdisk\n"
	"\n"
	"The machine:\n"
	"  --append STRING  kernel command line (bootargs in the device tree)\n"
	"  --cpus N         number of CPUs, 1 to 8 (1)\n"
	"  --mem SIZE       memory, with K, M or G (128M)\n"
	"  --mem-path PATH  ... in the file PATH, or in one without a name in a directory\n"
	"  --mem-prealloc   ... all of it is there before the guest starts\n"
	"  --hugepages[=SIZE]  ... of huge pages, which the host has reserved\n"
	"  --gic N          version of the interrupt controller, 2 or 3 (the host's);\n"
	"                   none: it is in the device tree only\n"
	"\n"
	"Its virtio devices:\n"
	"  --disk FILE[,ro][,id=NAME]  a raw image or a block device; more than once\n"
	"  --net user[,hostfwd=tcp|udp:[HOSTADDR]:PORT-[GUESTADDR]:PORT]...\n"
	"            [,restrict=on][,host=off][,mac=MAC]\n"
	"                   a network that needs no rights: the host is 10.0.2.2\n"
	"  --net tap,ifname=NAME[,mac=MAC]  a TAP interface of the host\n"
	"  --console        a console, beside the serial port\n"
	"  --rng            random numbers\n"
	"  --balloon SIZE   what the guest shall give back, with K, M or G; or 0. The host\n"
	"                   gets it, and pages that are free, unless memory is pinned\n"
	"\n"
	"Other:\n"
	"  --earlycon       let the guest print early: a hypercall, and with --kernel\n"
	"                   an earlycon= at the serial port\n"
	"  --dtb-dump FILE  write the device tree to FILE and end\n"
	"  --stats[=N]      a table of what exits cost on stderr, every second or every N\n"
	"                   seconds, and one at the end\n"
	"  --trace FILE     write every exit to the VMM to FILE, a line each\n"
	"  --trace-limit N  no more lines than that (1000000); 0: any number\n"
	"  --sandbox off    keep what the VMM could do before the guest ran: all system calls,\n"
	"                   and root's rights; on: no guest if the host cannot do all of it\n"
	"  --user NAME|UID[:GID]  who the VMM is then, if root has started it (nobody)\n"
	"  --verbose        tell on stderr what the guest touches where nothing is\n"
	"  --help           this text\n"
	"  --version        version of this program and of the API\n"
	"\n"
	"The guest's console is stdin and stdout. Ctrl-a x quits, Ctrl-a h\n"
	"helps.\n"
	"\n"
	"Exit status: 0 the guest powered off, 1 wrong usage or no VM, 2 the VM\n"
	"cannot go on, 3 Ctrl-a x, 4 the guest switched off its last CPU.\n";

/* A number with K, M or G behind it, or nothing. */
static u64 parse_size(const char *name, const char *arg)
{
	static const char suffixes[] = "kmg";
	unsigned int shift = 0;
	const char *suffix;
	char *end;
	u64 value;

	errno = 0;
	value = strtoull(arg, &end, 0);
	suffix = *end ? strchr(suffixes, *end | 0x20) : NULL;
	if (suffix) {
		shift = 10 * (suffix - suffixes + 1);
		end++;
	}
	if (*arg < '0' || *arg > '9' || *end || errno || value > ~0ULL >> shift)
		die("--%s %s: not a size (128M, 1G, ...)", name, arg);
	return value << shift;
}

static unsigned int parse_number(const char *name, const char *arg,
				 unsigned int min, unsigned int max)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(arg, &end, 0);
	if (*arg < '0' || *arg > '9' || *end || errno || value < min ||
	    value > max)
		die("--%s %s: not a number from %u to %u", name, arg, min, max);
	return value;
}

/*
 * The name ends at the first comma; two of them are one in the name. It stays in
 * the argument, where the rest begins as well: NULL if there is none.
 */
static char *split_name(char *arg)
{
	char *to = arg;

	for (; *arg; arg++) {
		if (*arg == ',' && *++arg != ',') {
			*to = '\0';
			return arg;
		}
		*to++ = *arg;
	}
	*to = '\0';
	return NULL;
}

static void parse_disk(struct config *config, char *arg)
{
	struct disk_config *disk = &config->disks[config->num_disks];
	char *rest, *word;

	if (config->num_disks == MAX_DISKS)
		die("--disk: there can be %u", MAX_DISKS);
	config->num_disks++;
	disk->path = arg;
	rest = split_name(arg);
	while ((word = strsep(&rest, ","))) {
		if (!strcmp(word, "ro"))
			disk->read_only = true;
		else if (!strncmp(word, "id=", 3))
			disk->id = word + 3;
		else
			die("--disk %s: what is '%s'? ro and id=NAME are known",
			    disk->path, word);
	}
	if (disk->id && strlen(disk->id) > VIRTIO_BLK_ID_BYTES)
		die("--disk %s: an id has %u bytes at most", disk->path,
		    VIRTIO_BLK_ID_BYTES);
}

static enum sandbox parse_sandbox(const char *arg)
{
	if (!strcmp(arg, "on"))
		return SANDBOX_ON;
	if (!strcmp(arg, "off"))
		return SANDBOX_OFF;
	die("--sandbox %s: on or off", arg);
}

static void parse_net(struct config *config, const char *arg)
{
	const char *wrong;

	if (config->num_nets == NET_MAX)
		die("--net: there can be %u", NET_MAX);
	wrong = net_parse(&config->nets[config->num_nets++], arg);
	if (wrong)
		die("--net %s: %s", arg, wrong);
}

static void parse_options(struct config *config, int argc, char **argv)
{
	bool limited = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case OPT_FIRMWARE:
			config->firmware = optarg;
			break;
		case OPT_KERNEL:
			config->kernel = optarg;
			break;
		case OPT_FLAT:
			config->flat = optarg;
			break;
		case OPT_INITRD:
			config->initrd = optarg;
			break;
		case OPT_APPEND:
			config->append = optarg;
			break;
		case OPT_CPUS:
			config->cpus = parse_number("cpus", optarg, 1,
						    BOARD_MAX_CPUS);
			break;
		case OPT_MEM:
			config->mem = parse_size("mem", optarg);
			break;
		case OPT_MEM_PATH:
			config->mem_path = optarg;
			break;
		case OPT_MEM_PREALLOC:
			config->mem_prealloc = true;
			break;
		case OPT_HUGEPAGES:
			config->hugepages = true;
			config->hugepage_size = optarg ?
				parse_size("hugepages", optarg) : 0;
			if (optarg && !config->hugepage_size)
				die("--hugepages=%s: pages have a size", optarg);
			break;
		case OPT_GIC:
			config->no_gic = !strcmp(optarg, "none");
			config->gic = config->no_gic ? 2 :
				      parse_number("gic", optarg, 2, 3);
			break;
		case OPT_DISK:
			parse_disk(config, optarg);
			break;
		case OPT_NET:
			parse_net(config, optarg);
			break;
		case OPT_CONSOLE:
			config->console = true;
			break;
		case OPT_RNG:
			config->rng = true;
			break;
		case OPT_BALLOON:
			config->balloon = true;
			config->balloon_size = parse_size("balloon", optarg);
			break;
		case OPT_EARLYCON:
			config->earlycon = true;
			break;
		case OPT_DTB_DUMP:
			config->dtb_dump = optarg;
			break;
		case OPT_STATS:
			config->stats = optarg ? parse_number("stats", optarg, 1,
							      MAX_STATS) : 1;
			break;
		case OPT_TRACE:
			config->trace = optarg;
			break;
		case OPT_TRACE_LIMIT:
			config->trace_limit = parse_number("trace-limit", optarg,
							   0, UINT_MAX);
			limited = true;
			break;
		case OPT_SANDBOX:
			config->sandbox = parse_sandbox(optarg);
			break;
		case OPT_USER:
			config->user = optarg;
			break;
		case OPT_VERBOSE:
			set_verbose(true);
			break;
		case OPT_HELP:
			fputs(help, stdout);
			exit(EXIT_SUCCESS);
		case OPT_VERSION:
			printf("armvcpu-vmm %s (API %d)\n", VMM_VERSION,
			       ARMVCPU_API_VERSION);
			exit(EXIT_SUCCESS);
		default:
			die("armvcpu-vmm --help tells what there is");
		}
	}
	if (optind < argc)
		die("what is '%s'? armvcpu-vmm --help tells what there is",
		    argv[optind]);
	if (limited && !config->trace)
		die("--trace-limit goes with --trace");
}

static void check_config(const struct config *config)
{
	int images = !!config->firmware + !!config->kernel + !!config->flat;

	if (images > 1)
		die("only one of --firmware, --kernel and --flat can run");
	if (!images && !config->dtb_dump)
		die("nothing to run: --firmware, --kernel or --flat is missing (--help)");
	if (config->initrd && !config->kernel)
		die("--initrd goes with --kernel");
	if (config->mem < MIN_MEM || config->mem > BOARD_RAM_MAX)
		die("--mem: from %lluM to %lluG", MIN_MEM / MIB,
		    BOARD_RAM_MAX / GIB);
	if (config->mem % (4 * KIB))
		die("--mem: not a multiple of 4K");
	if (config->hugepages && config->mem_path)
		die("--hugepages does not go with --mem-path: a hugetlbfs there has huge pages");
	if (config->user && config->sandbox == SANDBOX_OFF)
		die("--user does not go with --sandbox off: root stays root there");
	if (config->balloon_size >= config->mem)
		die("--balloon: the guest has no more than --mem %lluM",
		    config->mem / MIB);
}

/* A kernel cannot know of the hypercall: it prints to the serial port early. */
static void add_earlycon(struct config *config)
{
	static const char earlycon[] = "earlycon=pl011,0x9000000";
	char *append;

	if (!config->earlycon || !config->kernel)
		return;
	if (!config->append) {
		config->append = earlycon;
		return;
	}
	if (asprintf(&append, "%s %s", earlycon, config->append) < 0)
		die("no memory for --append");
	config->append = append;
}

static void dump_dtb(struct config *config)
{
	static char fdt[BOARD_FDT_MAX];
	struct boot_plan plan;

	boot_plan(config, &plan);
	if (!config->gic)
		config->gic = vm_host_gic();
	file_save(config->dtb_dump, fdt,
		  fdt_build(config, &plan, fdt, sizeof(fdt)));
}

/* Nothing that is opened later may end up as stdin, stdout or stderr. */
static void open_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static struct vm vm;

/* On every way out that is not a signal's; vm_run() sees to those. */
static void flush_trace(void)
{
	trace_flush(&vm.trace);
}

int main(int argc, char **argv)
{
	struct config config = {
		.mem = DEFAULT_MEM,
		.cpus = 1,
		.trace_limit = TRACE_LIMIT,
	};
	int status;

	open_standard_files();
	/* A limit of file sizes is an error, not the end: also of what is opened here. */
	signal(SIGXFSZ, SIG_IGN);
	parse_options(&config, argc, argv);
	/* Nothing is handed over but these three: a guest that gets in shall not have it. */
	if (config.sandbox != SANDBOX_OFF)
		close_from(STDERR_FILENO + 1);
	check_config(&config);
	add_earlycon(&config);
	config.timer_errata = fdt_timer_errata("/proc/device-tree/timer");
	if (config.dtb_dump) {
		dump_dtb(&config);
		return EXIT_SUCCESS;
	}

	sandbox_begin(&config);
	vm_init(&vm, &config);
	if (config.trace)
		atexit(flush_trace);
	term_init();
	status = vm_run(&vm);
	if (status > EXIT_SIGNAL)
		term_end_by(status - EXIT_SIGNAL);
	return status;
}
