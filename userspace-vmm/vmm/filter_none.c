// SPDX-License-Identifier: GPL-2.0
/*
 * Instead of filter.c where there is no libseccomp.
 */
#include "sandbox.h"

const char *filter_install(const struct config *config)
{
	(void)config;
	return "built without libseccomp (libseccomp-dev)";
}
