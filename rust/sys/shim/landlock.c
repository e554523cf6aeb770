// SPDX-License-Identifier: GPL-2.0
/*
 * Landlock domains, and sets of rules for them. No interface shows them, so this
 * needs the headers of security/landlock.
 *
 * Locks: that of a set of rules around that of an object.
 */

#include <linux/anon_inodes.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <net/af_unix.h>

#include "cred.h"
#include "domain.h"
#include "fs.h"
#include "net.h"
#include "ruleset.h"
#include "shim.h"

extern const struct file_operations ruleset_fops;

/* Without it, nobody has what its headers say. */
static struct landlock_ruleset *domain_of(const struct cred *cred)
{
	return landlock_initialized ? landlock_cred(cred)->domain : NULL;
}

/* The domain of @cred, which keeps it, or NULL. */
const void *cr_shim_landlock_domain(const struct cred *cred)
{
	return domain_of(cred);
}

/* What is logged of it: as @landlock_log of struct cr_img_cred. */
static u32 log_of(const struct cred *cred)
{
	u32 log = 0;

#ifdef CONFIG_AUDIT
	if (landlock_initialized) {
		log = landlock_cred(cred)->domain_exec;
		if (landlock_cred(cred)->log_subdomains_off)
			log |= CR_LANDLOCK_LOG_OFF;
	}
#endif
	return log;
}

/* How many layers the domain of @t has, and what is logged of it. */
u32 cr_shim_landlock_read(struct task_struct *t, u32 *log)
{
	const struct cred *cred = get_task_cred(t);
	const struct landlock_ruleset *domain = domain_of(cred);
	u32 nr = domain ? domain->num_layers : 0;

	BUILD_BUG_ON(CR_MAX_LANDLOCK != LANDLOCK_MAX_NUM_LAYERS);

	*log = log_of(cred);
	put_cred(cred);
	return nr;
}

bool cr_shim_is_ruleset(struct file *file)
{
	return file->f_op == &ruleset_fops;
}

/* The rules of @file, which keeps them. */
const void *cr_shim_ruleset_of(struct file *file)
{
	return file->private_data;
}

static void read_quiet(const struct access_masks *masks,
		       struct cr_img_landlock *out)
{
	out->quiet_fs = masks->fs;
	out->quiet_net = masks->net;
	out->quiet_scoped = masks->scope;
}

/* Layer @level of @rules, from 1 on; 0 of a set of rules. Returns what tells it from others. */
u64 cr_shim_landlock_layer(const void *rules, u32 level,
			   struct cr_img_landlock *out)
{
	const struct landlock_ruleset *ruleset = rules;
	const struct landlock_hierarchy *h = ruleset->hierarchy;
	const struct access_masks *masks;
	u32 i;

	memset(out, 0, sizeof(*out));
	masks = &ruleset->access_masks[level ? level - 1 : 0];
	out->fs = masks->fs;
	out->net = masks->net;
	out->scoped = masks->scope;
	if (!level) {
		out->flags = CR_LANDLOCK_RULESET;
		read_quiet(&ruleset->quiet_masks, out);
		return (unsigned long)ruleset;
	}
	for (i = ruleset->num_layers; i > level; i--)
		h = h->parent;
#ifdef CONFIG_AUDIT
	read_quiet(&h->quiet_masks, out);
	if (!h->log_same_exec)
		out->flags |= CR_LANDLOCK_SAME_EXEC_OFF;
	if (h->log_new_exec)
		out->flags |= CR_LANDLOCK_NEW_EXEC_ON;
	if (READ_ONCE(h->log_status) == LANDLOCK_LOG_DISABLED &&
	    (h->log_same_exec || h->log_new_exec))
		out->flags |= CR_LANDLOCK_UNLOGGED;
#endif
	return (unsigned long)h;
}

static const struct landlock_layer *layer_of(const struct landlock_rule *rule,
					     u32 level)
{
	u32 i;

	for (i = 0; i < rule->num_layers; i++)
		if (rule->layers[i].level == level)
			return &rule->layers[i];
	return NULL;
}

/* The rule with the lowest key >= @key, or NULL. */
static const struct landlock_rule *next_rule(const struct rb_root *root, u64 key)
{
	const struct rb_node *node = root->rb_node;
	const struct landlock_rule *found = NULL, *rule;

	while (node) {
		rule = rb_entry(node, struct landlock_rule, node);
		if (rule->key.data >= key) {
			found = rule;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found;
}

/* What a rule is about, referenced; NULL if nobody can get there, so that it says nothing. */
static struct inode *inode_of(struct landlock_object *object)
{
	struct inode *inode;
	bool gone;

	spin_lock(&object->lock);
	inode = object->underobj ? igrab(object->underobj) : NULL;
	spin_unlock(&object->lock);
	if (!inode)
		return NULL;
	spin_lock(&inode->i_lock);
	gone = !inode->i_nlink && hlist_empty(&inode->i_dentry);
	spin_unlock(&inode->i_lock);
	if (!gone)
		return inode;
	iput(inode);
	return NULL;
}

/*
 * The rule of a layer with the lowest key >= *@key, which is in *@key then: about
 * ports if @ports, else about *@inode, referenced. False: there is none.
 */
bool cr_shim_landlock_rule(const void *rules, u32 level, bool ports, u64 *key,
			   struct cr_img_landlock_rule *out, struct inode **inode)
{
	struct landlock_ruleset *ruleset = (void *)rules;
	const struct landlock_layer *layer;
	const struct landlock_rule *rule;
	const struct rb_root *root;
	u32 handled;

	memset(out, 0, sizeof(*out));
	*inode = NULL;
	root = ports ? &ruleset->root_net_port : &ruleset->root_inode;
	handled = level ? level - 1 : 0;
	handled = ports ? ruleset->access_masks[handled].net :
			  ruleset->access_masks[handled].fs;
	mutex_lock(&ruleset->lock);
	for (rule = next_rule(root, *key); rule;
	     rule = next_rule(root, rule->key.data + 1)) {
		layer = layer_of(rule, level);
		if (!layer)
			continue;
		if (!ports) {
			*inode = inode_of(rule->key.object);
			if (!*inode)
				continue;
		}
		*key = rule->key.data;
		out->access = layer->access & handled;
		if (layer->flags.quiet)
			out->flags |= CR_LANDLOCK_RULE_QUIET;
		if (ports) {
			out->flags |= CR_LANDLOCK_RULE_PORT;
			out->port = ntohs((__force __be16)rule->key.data);
		}
		break;
	}
	mutex_unlock(&ruleset->lock);
	return rule;
}

/* A set of rules without any yet. -EOPNOTSUPP: it denies what this kernel does not know. */
struct file *cr_shim_ruleset_make(const struct cr_img_landlock *in)
{
	struct landlock_ruleset *ruleset;
	struct file *file;

	if (!landlock_initialized || in->fs & ~LANDLOCK_MASK_ACCESS_FS ||
	    in->net & ~LANDLOCK_MASK_ACCESS_NET ||
	    in->scoped & ~LANDLOCK_MASK_SCOPE)
		return ERR_PTR(-EOPNOTSUPP);
	ruleset = landlock_create_ruleset(in->fs, in->net, in->scoped);
	if (IS_ERR(ruleset))
		return ERR_CAST(ruleset);
	ruleset->quiet_masks.fs = in->quiet_fs;
	ruleset->quiet_masks.net = in->quiet_net;
	ruleset->quiet_masks.scope = in->quiet_scoped;
	file = anon_inode_getfile("[landlock-ruleset]", &ruleset_fops, ruleset,
				  O_RDWR);
	if (IS_ERR(file))
		landlock_put_ruleset(ruleset);
	return file;
}

/* Adds a rule about @path, or about a port if that is NULL. */
int cr_shim_ruleset_add(struct file *file, const struct path *path,
			const struct cr_img_landlock_rule *in)
{
	struct landlock_ruleset *ruleset = file->private_data;
	u32 flags = 0;

	if (in->flags & CR_LANDLOCK_RULE_QUIET)
		flags = LANDLOCK_ADD_RULE_QUIET;
	if (path)
		return landlock_append_fs_rule(ruleset, path, in->access, flags);
	return landlock_append_net_rule(ruleset, in->port, in->access, flags);
}

/*
 * Gives the current task, which is in none, the domain of @cred, if that is not
 * NULL; and what is logged. Mirrors what fork(2) and landlock_restrict_self(2)
 * do; who may is as for the latter.
 */
int cr_shim_landlock_enter(const struct cred *from, u32 log)
{
	struct landlock_cred_security *security;
	struct cred *new;

	if (!landlock_initialized)
		return -EOPNOTSUPP;
	if (!task_no_new_privs(current) &&
	    !ns_capable_noaudit(current_user_ns(), CAP_SYS_ADMIN))
		return -EPERM;
	new = prepare_creds();
	if (!new)
		return -ENOMEM;
	security = landlock_cred(new);
	if (from) {
		if (security->domain) {
			abort_creds(new);
			return -EINVAL;
		}
		security->domain = landlock_cred(from)->domain;
		landlock_get_ruleset(security->domain);
	}
#ifdef CONFIG_AUDIT
	security->domain_exec = log;
	security->log_subdomains_off = !!(log & CR_LANDLOCK_LOG_OFF);
#endif
	return commit_creds(new);
}

/* Who may connect to @sock depends on the domain that has made it. */
static bool is_scoped(struct sock *sk, const struct cred *cred)
{
	const struct landlock_ruleset *domain = domain_of(cred);
	struct access_masks masks;

	if (!domain || !sk || sk->sk_family != AF_UNIX ||
	    !smp_load_acquire(&unix_sk(sk)->addr))
		return false;
	masks = landlock_union_access_masks(domain);
	return masks.scope & LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET ||
	       masks.fs & LANDLOCK_ACCESS_FS_RESOLVE_UNIX;
}

/* What @file is forbidden because of the domain that it was opened in: CR_LANDLOCK_X_*. */
u32 cr_shim_landlock_of_file(struct file *file)
{
	const struct landlock_file_security *security;
	umode_t mode = file_inode(file)->i_mode;
	u32 found = 0;

	if (!landlock_initialized || file->f_mode & FMODE_PATH)
		return 0;
	security = landlock_file(file);
	if (S_ISREG(mode) && file->f_mode & FMODE_WRITE &&
	    !(security->allowed_access & LANDLOCK_ACCESS_FS_TRUNCATE))
		found |= BIT(CR_LANDLOCK_X_TRUNCATE);
	if ((S_ISCHR(mode) || S_ISBLK(mode)) &&
	    !(security->allowed_access & LANDLOCK_ACCESS_FS_IOCTL_DEV))
		found |= BIT(CR_LANDLOCK_X_IOCTL);
	if (S_ISSOCK(mode) && cr_shim_is_socket(file) &&
	    is_scoped(sock_from_file(file)->sk, file->f_cred))
		found |= BIT(CR_LANDLOCK_X_SCOPED);
	if (security->fown_subject.domain)
		found |= BIT(CR_LANDLOCK_X_OWNER);
	return found;
}
