// SPDX-License-Identifier: GPL-2.0
/* Work that other processors do. */

#include <linux/cpumask.h>
#include <linux/workqueue.h>

#include "shim.h"

struct workqueue_struct *cr_shim_workers(unsigned int most)
{
	return alloc_workqueue("cr", WQ_UNBOUND, most);
}

void cr_shim_workers_end(struct workqueue_struct *workers)
{
	destroy_workqueue(workers);
}

unsigned int cr_shim_nr_processors(void)
{
	return num_online_cpus();
}
