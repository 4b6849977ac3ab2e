// SPDX-License-Identifier: GPL-2.0
/*
 * Instead of net_user.c where there is no libslirp.
 */
#include "net.h"

const bool net_has_user;

const char *net_user_open(const struct net_config *config, struct net **net)
{
	(void)config;
	(void)net;
	return net_error("built without libslirp (libslirp-dev): use tap");
}
