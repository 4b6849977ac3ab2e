// SPDX-License-Identifier: GPL-2.0
/*
 * Instead of filter.c where there is no libseccomp.
 */
#include "sandbox.h"

const char *filter_missing(void)
{
	return "built without libseccomp (libseccomp-dev)";
}

const char *filter_install(const struct config *config)
{
	(void)config;
	return filter_missing();
}
