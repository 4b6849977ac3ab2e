// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer's entry point with random inputs, for where there is no fuzzer, and for a run
 * that is the same each time; or with inputs from files, to see again what one has found.
 *
 *   fuzz-NAME [-seed=N] [-runs=N] [-max_total_time=SECONDS]
 *   fuzz-NAME [-seed=N] -seeds=N -into=DIR	write so many inputs, for a fuzzer to begin with
 *   fuzz-NAME FILE...
 */
#include "fuzz.h"

#define NSEC_PER_SEC	1000000000ULL
#define INPUT_MAX	65536

static u64 state;

static u32 random32(void)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return state >> 32;
}

static u8 input[INPUT_MAX];

/* Returns its size. */
static size_t make_input(void)
{
	size_t i;

	for (i = 0; i < fuzz_input_size; i++)
		input[i] = random32() >> 8;
	fuzz_shape(input, random32());
	return random32() % 16 ? fuzz_input_size : random32() % fuzz_input_size;
}

static const char *option(char **argv, const char *name)
{
	size_t len = strlen(name);
	const char *value = NULL;

	for (; *argv; argv++) {
		if (!strncmp(*argv, name, len))
			value = *argv + len;
	}
	return value;
}

static u64 number(char **argv, const char *name, u64 value)
{
	const char *text = option(argv, name);

	return text ? strtoull(text, NULL, 0) : value;
}

static void run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t len;
	u8 *copy;

	if (!f) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	len = fread(input, 1, sizeof(input), f);
	fclose(f);
	/* To its byte, for who reads behind it. */
	copy = malloc(len ? len : 1);
	if (!copy)
		abort();
	memcpy(copy, input, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void write_seeds(const char *dir, u64 count)
{
	char path[4096];
	u64 i;

	for (i = 0; i < count; i++) {
		size_t len = make_input();
		FILE *f;

		snprintf(path, sizeof(path), "%s/seed-%llu", dir, i);
		f = fopen(path, "wb");
		if (!f || fwrite(input, 1, len, f) != len || fclose(f)) {
			perror(path);
			exit(EXIT_FAILURE);
		}
	}
}

int main(int argc, char **argv)
{
	u64 seconds, runs, i, until;

	state = number(argv, "-seed=", 1);
	if (option(argv, "-into=")) {
		write_seeds(option(argv, "-into="), number(argv, "-seeds=", 16));
		return 0;
	}
	for (i = 1; i < (u64)argc && argv[i][0] != '-'; i++)
		run_file(argv[i]);
	if (i > 1)
		return 0;
	seconds = number(argv, "-max_total_time=", 0);
	runs = number(argv, "-runs=", seconds ? ~0ULL : 1000000);
	until = now_ns() + seconds * NSEC_PER_SEC;
	for (i = 0; i < runs; i++) {
		size_t len;

		if (seconds && !(i % 64) && now_ns() >= until)
			break;
		len = make_input();
		LLVMFuzzerTestOneInput(input, len);
	}
	fprintf(stderr, "%llu inputs\n", i);
	return 0;
}
