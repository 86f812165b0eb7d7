"""Rates, shares of the ceilings, and what kernels' names say."""

from __future__ import annotations

import pytest

from archcalc.bench.efficiency import efficiency, tensor_cores
from archcalc.bench.records.observed import KernelTime
from archcalc.bench.stats.roofline import Ceilings, Work, WorkKind

# names as NVIDIA's libraries give them (cuDNN 8 and 9, cuBLAS 12 and 13, CUTLASS, torch)
BY_TENSOR_CORES = [
    "sm90_xmma_fprop_implicit_gemm_bf16bf16_bf16f32_f32_nhwckrsc_nhwc_tilesize128x128x64_warpgroupsize1x1x1_g1",
    "sm80_xmma_fprop_implicit_gemm_tf32f32_tf32f32_f32_nhwckrsc_nchw_tilesize128x128x16_stage4_warpsize2x2x1",
    "cutlass_80_tensorop_s1688fprop_optimized_tf32_128x128_16x4_nhwc_align4",
    "void cutlass__5x_cudnn::Kernel<cutlass_tensorop_bf16_s16816fprop_optimized_bf16_64x64_64x5_nhwc_align8>",
    "ampere_bf16_s16816gemm_bf16_128x128_ldg8_f2f_stages_64x3_nn",
    "nvjet_tst_128x64_64x8_2x1_v_bz_TNN",
    "sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize128x128x64_warpgroupsize1x1x1_execute_segment_k_off_kernel",
    "turing_h1688gemm_128x128_ldg8_nn",
]
WITHOUT = [
    "void implicit_convolve_sgemm<float, float, 1024, 5, 5, 3, 3, 3, 1, false, false, true>(int, int, int)",
    "ampere_sgemm_128x64_tn",
    "void cudnn::winograd_nonfused::winogradForwardData4x4<float, float>",
    "void gemv2T_kernel_val<int, int, float, float, float, float, 128, 16, 4, 4, false>",
    "void conv2d_c1_k1_nhwc_kernel_specialized<float, float, float, float, float, 3, 1, 8, 3>",
    "ampere_scudnn_128x64_relu_xregs_large_nn_v1_conv",
]
NO_PRODUCTS = [
    "void at::native::vectorized_elementwise_kernel<4, at::native::relu>",
    "void cudnn::ops::nchwToNhwcKernel<__nv_bfloat16, __nv_bfloat16, float, false, true>",
    "Memcpy DtoD (Device -> Device)",
    "void at::native::(anonymous namespace)::max_pool_forward_nhwc<c10::BFloat16, int>",
]


@pytest.mark.parametrize("name", BY_TENSOR_CORES)
def test_tensor_cores_by_name(name: str) -> None:
    assert tensor_cores([name, *NO_PRODUCTS]) is True


@pytest.mark.parametrize("name", WITHOUT)
def test_one_product_without_them_is_enough(name: str) -> None:
    assert tensor_cores([*BY_TENSOR_CORES, name]) is False


def test_what_is_no_product_says_nothing() -> None:
    assert tensor_cores(NO_PRODUCTS) is None
    assert tensor_cores([]) is None


LIMITS = Ceilings("bf16", 800e12, 600e12, 3e12, 1000.0, "graph")


def test_rates_and_shares_by_hand() -> None:
    work = [
        Work(600_000_000, 3_000_000, WorkKind.CONVOLUTION),  # 1 us of arithmetic, 1 us of copying
        Work(0, 3_000_000, WorkKind.OTHER),
        Work(800_000_000, 0, WorkKind.MATMUL),  # 1 us
    ]
    kernels = [KernelTime(BY_TENSOR_CORES[0], 2, 3000), KernelTime(NO_PRODUCTS[0], 1, 1000)]
    result = efficiency(work, 4000.0, LIMITS, kernels)
    assert result.flops == pytest.approx(1.4e9 / 4e-6)
    assert result.arithmetic == pytest.approx(0.5)
    assert result.bandwidth == pytest.approx(6e6 / 4e-6)
    assert result.memory == pytest.approx(0.5)
    assert (result.kernels, result.counted, result.tensor_cores) == (3, 3, True)


def test_what_was_not_measured_is_none() -> None:
    result = efficiency([Work(100, 100, WorkKind.OTHER)], 10.0, None)
    assert (result.arithmetic, result.memory, result.kernels, result.tensor_cores) == (None,) * 4
    assert result.host is None
