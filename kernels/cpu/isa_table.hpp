// Fills an instruction set's table from the kernel templates. Included by the files of isa/ only.
#pragma once

#include <string_view>
#include <tuple>
#include <utility>

#include "kernels/cpu/activation.hpp"
#include "kernels/cpu/attention.hpp"
#include "kernels/cpu/attention_join.hpp"
#include "kernels/cpu/elementwise.hpp"
#include "kernels/cpu/isa_list.hpp"
#include "kernels/cpu/kv_rows.hpp"
#include "kernels/cpu/norm.hpp"
#include "kernels/cpu/panel_matmul.hpp"
#include "kernels/cpu/primitives.hpp"
#include "kernels/cpu/rounded_floats.hpp"
#include "kernels/quant/bf16.hpp"
#include "kernels/quant/f16.hpp"
#include "kernels/quant/f32.hpp"
#include "kernels/quant/iq4_nl.hpp"
#include "kernels/quant/iq4_xs.hpp"
#include "kernels/quant/q2_k.hpp"
#include "kernels/quant/q3_k.hpp"
#include "kernels/quant/q4_0.hpp"
#include "kernels/quant/q4_1.hpp"
#include "kernels/quant/q4_k.hpp"
#include "kernels/quant/q5_0.hpp"
#include "kernels/quant/q5_1.hpp"
#include "kernels/quant/q5_k.hpp"
#include "kernels/quant/q6_k.hpp"
#include "kernels/quant/q8_0.hpp"

namespace covey {

template <InstructionSet Isa, std::size_t... I>
constexpr std::array<PanelMatmul, kFormatCount> list_matmuls(std::index_sequence<I...>) {
  return {&PanelProduct<Isa, std::tuple_element_t<I, FormatList>>::run...};
}

template <InstructionSet Isa, class Rows>
constexpr KvKernels kv_kernels_of() {
  return {&Attention<Isa, Rows>::run, &Rows::store_key, &Rows::store_value};
}

template <InstructionSet Isa>
constexpr IsaTable make_isa_table(std::string_view name, bool (*runs_here)() noexcept) {
  return {
      .name = name,
      .runs_here = runs_here,
      .matmul = list_matmuls<Isa>(std::make_index_sequence<kFormatCount>{}),
      .quantize = &quantize<Isa>,
      .quantize_wide = &quantize_wide<Isa>,
      .rms_norm = &rms_norm<Isa>,
      .layer_norm = &layer_norm<Isa>,
      .sum_squares = &sum_squares<Isa>,
      .scale_by = &scale_by<Isa>,
      .add = &add<Isa>,
      .silu_mul = &silu_mul<Isa>,
      .gelu_mul = &gelu_mul<Isa>,
      .silu = &silu<Isa>,
      .gelu = &gelu<Isa>,
      .softcap = &softcap<Isa>,
      .softmax = &softmax<Isa>,
      .rope_adjacent = &rope_adjacent<Isa>,
      .rope_halves = &rope_halves<Isa>,
      .scale = &scale<Isa>,
      .exponential_sum = &exponential_sum<Isa>,
      .to_f16 = &to_f16<Isa>,
      .from_f16 = &from_f16<Isa>,
      .to_q8 = &to_q8<Isa>,
      .from_q8 = &from_q8<Isa>,
      .kv = {kv_kernels_of<Isa, F32Rows<Isa>>(), kv_kernels_of<Isa, F16Rows<Isa>>(), kv_kernels_of<Isa, Q8Rows<Isa>>()},
      .join_sums = &join_sums<Isa>,
  };
}

}  // namespace covey
