#include "third_party_free_formats/tensor_type.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "covey/error.hpp"

namespace covey {
namespace {

constexpr std::array<TensorTypeInfo, 15> kTensorTypes{{
    {TensorType::f32, "F32", 1, 4},
    {TensorType::f16, "F16", 1, 2},
    {TensorType::q4_0, "Q4_0", 32, 18},
    {TensorType::q4_1, "Q4_1", 32, 20},
    {TensorType::q5_0, "Q5_0", 32, 22},
    {TensorType::q5_1, "Q5_1", 32, 24},
    {TensorType::q8_0, "Q8_0", 32, 34},
    {TensorType::q2_k, "Q2_K", 256, 84},
    {TensorType::q3_k, "Q3_K", 256, 110},
    {TensorType::q4_k, "Q4_K", 256, 144},
    {TensorType::q5_k, "Q5_K", 256, 176},
    {TensorType::q6_k, "Q6_K", 256, 210},
    {TensorType::iq4_nl, "IQ4_NL", 32, 18},
    {TensorType::iq4_xs, "IQ4_XS", 256, 136},
    {TensorType::bf16, "BF16", 1, 2},
}};

// Not std::tolower: names are ASCII, whatever the locale says.
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::span<const TensorTypeInfo> tensor_types() { return kTensorTypes; }

const TensorTypeInfo& tensor_type_info(TensorType type) {
  const TensorTypeInfo* info = find_tensor_type(static_cast<std::uint32_t>(type));
  if (info == nullptr) throw Error("tensor type " + std::to_string(static_cast<std::uint32_t>(type)) + " is unknown");
  return *info;
}

const TensorTypeInfo* find_tensor_type(std::uint32_t id) {
  const auto* const found = std::ranges::find(kTensorTypes, static_cast<TensorType>(id), &TensorTypeInfo::type);
  return found == kTensorTypes.end() ? nullptr : found;
}

const TensorTypeInfo* find_tensor_type(std::string_view name) {
  const auto* const found = std::ranges::find_if(kTensorTypes, [name](const TensorTypeInfo& info) {
    return std::ranges::equal(info.name, name, {}, lower, lower);
  });
  return found == kTensorTypes.end() ? nullptr : found;
}

}  // namespace covey
