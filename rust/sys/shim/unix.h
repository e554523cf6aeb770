/* SPDX-License-Identifier: GPL-2.0 */
/* What net/unix/af_unix.c keeps for itself. */
#ifndef _CR_SHIM_UNIX_H
#define _CR_SHIM_UNIX_H

#include <linux/skbuff.h>
#include <net/scm.h>

#include "socket_types.h"

#define UNIXCB(skb)	(*(struct unix_skb_parms *)&((skb)->cb))

#endif /* _CR_SHIM_UNIX_H */
