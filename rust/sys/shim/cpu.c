// SPDX-License-Identifier: GPL-2.0
/* What programs can use of this processor. */

#include <asm/cpufeature.h>

#include "shim.h"

/*
 * Features that let programs use instructions or registers, with their names in
 * /proc/cpuinfo. Not those that all processors for 64 bits have, that are hints,
 * or that are the kernel's business alone.
 */
static const struct {
	u16 bit;
	const char *name;
} features[] = {
	{ X86_FEATURE_MMXEXT, "mmxext" },
	{ X86_FEATURE_RDTSCP, "rdtscp" },
	{ X86_FEATURE_3DNOWEXT, "3dnowext" },
	{ X86_FEATURE_3DNOW, "3dnow" },
	{ X86_FEATURE_XMM3, "pni" },
	{ X86_FEATURE_PCLMULQDQ, "pclmulqdq" },
	{ X86_FEATURE_SSSE3, "ssse3" },
	{ X86_FEATURE_FMA, "fma" },
	{ X86_FEATURE_CX16, "cx16" },
	{ X86_FEATURE_XMM4_1, "sse4_1" },
	{ X86_FEATURE_XMM4_2, "sse4_2" },
	{ X86_FEATURE_MOVBE, "movbe" },
	{ X86_FEATURE_POPCNT, "popcnt" },
	{ X86_FEATURE_AES, "aes" },
	{ X86_FEATURE_XSAVE, "xsave" },
	{ X86_FEATURE_AVX, "avx" },
	{ X86_FEATURE_F16C, "f16c" },
	{ X86_FEATURE_RDRAND, "rdrand" },
	{ X86_FEATURE_LAHF_LM, "lahf_lm" },
	{ X86_FEATURE_ABM, "abm" },
	{ X86_FEATURE_SSE4A, "sse4a" },
	{ X86_FEATURE_MISALIGNSSE, "misalignsse" },
	{ X86_FEATURE_3DNOWPREFETCH, "3dnowprefetch" },
	{ X86_FEATURE_XOP, "xop" },
	{ X86_FEATURE_FMA4, "fma4" },
	{ X86_FEATURE_TBM, "tbm" },
	{ X86_FEATURE_MWAITX, "mwaitx" },
	{ X86_FEATURE_FSGSBASE, "fsgsbase" },
	{ X86_FEATURE_BMI1, "bmi1" },
	{ X86_FEATURE_AVX2, "avx2" },
	{ X86_FEATURE_BMI2, "bmi2" },
	{ X86_FEATURE_RTM, "rtm" },
	{ X86_FEATURE_MPX, "mpx" },
	{ X86_FEATURE_AVX512F, "avx512f" },
	{ X86_FEATURE_AVX512DQ, "avx512dq" },
	{ X86_FEATURE_RDSEED, "rdseed" },
	{ X86_FEATURE_ADX, "adx" },
	{ X86_FEATURE_AVX512IFMA, "avx512ifma" },
	{ X86_FEATURE_CLFLUSHOPT, "clflushopt" },
	{ X86_FEATURE_CLWB, "clwb" },
	{ X86_FEATURE_AVX512PF, "avx512pf" },
	{ X86_FEATURE_AVX512ER, "avx512er" },
	{ X86_FEATURE_AVX512CD, "avx512cd" },
	{ X86_FEATURE_SHA_NI, "sha_ni" },
	{ X86_FEATURE_AVX512BW, "avx512bw" },
	{ X86_FEATURE_AVX512VL, "avx512vl" },
	{ X86_FEATURE_XSAVEOPT, "xsaveopt" },
	{ X86_FEATURE_XSAVEC, "xsavec" },
	{ X86_FEATURE_XGETBV1, "xgetbv1" },
	{ X86_FEATURE_SHA512, "sha512" },
	{ X86_FEATURE_SM3, "sm3" },
	{ X86_FEATURE_SM4, "sm4" },
	{ X86_FEATURE_AVX_VNNI, "avx_vnni" },
	{ X86_FEATURE_AVX512_BF16, "avx512_bf16" },
	{ X86_FEATURE_CMPCCXADD, "cmpccxadd" },
	{ X86_FEATURE_AMX_FP16, "amx_fp16" },
	{ X86_FEATURE_AVX_IFMA, "avx_ifma" },
	{ X86_FEATURE_MOVRS, "movrs" },
	{ X86_FEATURE_CLZERO, "clzero" },
	{ X86_FEATURE_RDPRU, "rdpru" },
	{ X86_FEATURE_AVX512VBMI, "avx512vbmi" },
	{ X86_FEATURE_OSPKE, "ospke" },
	{ X86_FEATURE_WAITPKG, "waitpkg" },
	{ X86_FEATURE_AVX512_VBMI2, "avx512_vbmi2" },
	{ X86_FEATURE_GFNI, "gfni" },
	{ X86_FEATURE_VAES, "vaes" },
	{ X86_FEATURE_VPCLMULQDQ, "vpclmulqdq" },
	{ X86_FEATURE_AVX512_VNNI, "avx512_vnni" },
	{ X86_FEATURE_AVX512_BITALG, "avx512_bitalg" },
	{ X86_FEATURE_AVX512_VPOPCNTDQ, "avx512_vpopcntdq" },
	{ X86_FEATURE_RDPID, "rdpid" },
	{ X86_FEATURE_MOVDIRI, "movdiri" },
	{ X86_FEATURE_MOVDIR64B, "movdir64b" },
	{ X86_FEATURE_ENQCMD, "enqcmd" },
	{ X86_FEATURE_AVX512_4VNNIW, "avx512_4vnniw" },
	{ X86_FEATURE_AVX512_4FMAPS, "avx512_4fmaps" },
	{ X86_FEATURE_AVX512_VP2INTERSECT, "avx512_vp2intersect" },
	{ X86_FEATURE_SERIALIZE, "serialize" },
	{ X86_FEATURE_TSXLDTRK, "tsxldtrk" },
	{ X86_FEATURE_AMX_BF16, "amx_bf16" },
	{ X86_FEATURE_AVX512_FP16, "avx512_fp16" },
	{ X86_FEATURE_AMX_TILE, "amx_tile" },
	{ X86_FEATURE_AMX_INT8, "amx_int8" },
	{ X86_FEATURE_APX, "apx" },
};

/* The name of a feature, and whether this processor @has it; NULL after the last. */
const char *cr_shim_cpu_feature(u32 n, bool *has)
{
	if (n >= ARRAY_SIZE(features))
		return NULL;
	*has = boot_cpu_has(features[n].bit);
	return features[n].name;
}
