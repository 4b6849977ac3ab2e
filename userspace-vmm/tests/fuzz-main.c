// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer's entry point with random inputs, for where there is no fuzzer, and for a run
 * that is the same each time.
 *
 *   fuzz-decode [-seed=N] [-runs=N] [-max_total_time=SECONDS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake-vcpu.h"

#define NSEC_PER_SEC	1000000000ULL
#define INPUT_SIZE	64

static u64 state;

static u32 random32(void)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return state >> 32;
}

/*
 * Random bytes; of most inputs the word is a load or store, what follows it is such that it
 * can be emulated.
 */
static void make_input(u8 *data)
{
	u32 word;
	size_t i;

	for (i = 0; i < INPUT_SIZE; i++)
		data[i] = random32();
	if (!(random32() % 8))
		return;
	memcpy(&word, data, sizeof(word));
	word = (word & ~0x0a000000U) | 0x08000000;
	memcpy(data, &word, sizeof(word));
	if (random32() % 4)
		memset(data + 4, 0, 12);
	if (random32() % 4)
		memset(data + 40, 0, INPUT_SIZE - 40);
}

static u64 option(char **argv, const char *name, u64 value)
{
	size_t len = strlen(name);

	for (; *argv; argv++) {
		if (!strncmp(*argv, name, len))
			value = strtoull(*argv + len, NULL, 0);
	}
	return value;
}

int main(int argc, char **argv)
{
	u64 seconds, runs, i, until;
	u8 data[INPUT_SIZE];

	(void)argc;
	state = option(argv, "-seed=", 1);
	seconds = option(argv, "-max_total_time=", 0);
	runs = option(argv, "-runs=", seconds ? ~0ULL : 1000000);
	until = now_ns() + seconds * NSEC_PER_SEC;
	for (i = 0; i < runs; i++) {
		if (seconds && !(i % 1024) && now_ns() >= until)
			break;
		make_input(data);
		LLVMFuzzerTestOneInput(data, random32() % 16 ? sizeof(data) :
							       random32() % sizeof(data));
	}
	printf("%llu inputs\n", i);
	return 0;
}
