// SPDX-License-Identifier: GPL-2.0
/*
 * Landlock domains. No interface shows them, so this needs the headers of
 * security/landlock.
 */

#include <linux/cred.h>

#include "cred.h"
#include "domain.h"
#include "ruleset.h"
#include "shim.h"

/*
 * The layers of the domain of @t, none of which may have rules: returns how
 * many. @identity tells the domain from others. -EOPNOTSUPP: it has more.
 */
int cr_shim_landlock_read(struct task_struct *t, struct cr_img_landlock *layers,
			  u64 *identity)
{
	const struct cred *cred = get_task_cred(t);
	const struct landlock_ruleset *domain = landlock_cred(cred)->domain;
	const struct landlock_hierarchy *h;
	int i, n = 0;

	BUILD_BUG_ON(CR_MAX_LANDLOCK != LANDLOCK_MAX_NUM_LAYERS);

	*identity = (unsigned long)domain;
	if (!domain)
		goto out;
	n = -EOPNOTSUPP;
	if (domain->num_rules)
		goto out;
#ifdef CONFIG_AUDIT
	if (landlock_cred(cred)->log_subdomains_off)
		goto out;
	for (h = domain->hierarchy; h; h = h->parent)
		if (!h->log_same_exec || h->log_new_exec)
			goto out;
#endif
	n = domain->num_layers;
	for (i = 0; i < n; i++) {
		layers[i].fs = domain->access_masks[i].fs;
		layers[i].net = domain->access_masks[i].net;
		layers[i].scoped = domain->access_masks[i].scope;
	}
out:
	put_cred(cred);
	return n;
}
