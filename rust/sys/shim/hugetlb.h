/* SPDX-License-Identifier: GPL-2.0 */
/* Mappings of huge pages, for the walks through page tables. */
#ifndef CR_SHIM_HUGETLB_H
#define CR_SHIM_HUGETLB_H

#include <linux/mm.h>
#include <linux/pagewalk.h>

#include "shim.h"

u32 cr_shim_hugetlb_flags(struct vm_area_struct *vma);
int cr_shim_visit_hugetlb(pte_t *ptep, unsigned long hmask, unsigned long addr,
			  unsigned long next, struct mm_walk *walk);

#endif /* CR_SHIM_HUGETLB_H */
