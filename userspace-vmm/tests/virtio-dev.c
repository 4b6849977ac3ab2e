// SPDX-License-Identifier: GPL-2.0
#include "driver.h"
#include "helper.h"

void virtio_dev_tests(void)
{
}
