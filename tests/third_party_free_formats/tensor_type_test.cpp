#include "third_party_free_formats/tensor_type.hpp"

#include <gtest/gtest.h>

#include <map>

#include "covey/error.hpp"

namespace covey {
namespace {

TEST(TensorType, ListsTypesInOrderOfTheirNumbers) {
  ASSERT_EQ(tensor_types().size(), 15u);
  for (std::size_t i = 1; i < tensor_types().size(); ++i) {
    EXPECT_LT(tensor_types()[i - 1].type, tensor_types()[i].type);
  }
}

// Block sizes from the sum of each block's parts: scales, minima, high bits, quants.
TEST(TensorType, HasTheGeometryOfTheFormat) {
  const std::map<TensorType, std::pair<std::uint32_t, std::uint32_t>> expected{
      {TensorType::f32, {1, 4}},
      {TensorType::f16, {1, 2}},
      {TensorType::bf16, {1, 2}},
      {TensorType::q4_0, {32, 2 + 16}},
      {TensorType::q4_1, {32, 2 + 2 + 16}},
      {TensorType::q5_0, {32, 2 + 4 + 16}},
      {TensorType::q5_1, {32, 2 + 2 + 4 + 16}},
      {TensorType::q8_0, {32, 2 + 32}},
      {TensorType::q2_k, {256, 2 + 2 + 16 + 64}},
      {TensorType::q3_k, {256, 2 + 12 + 32 + 64}},
      {TensorType::q4_k, {256, 2 + 2 + 12 + 128}},
      {TensorType::q5_k, {256, 2 + 2 + 12 + 32 + 128}},
      {TensorType::q6_k, {256, 2 + 16 + 64 + 128}},
      {TensorType::iq4_nl, {32, 2 + 16}},
      {TensorType::iq4_xs, {256, 2 + 2 + 4 + 128}},
  };
  ASSERT_EQ(expected.size(), tensor_types().size());
  for (const auto& [type, geometry] : expected) {
    const TensorTypeInfo& info = tensor_type_info(type);
    EXPECT_EQ(info.type, type);
    EXPECT_EQ(info.block_elements, geometry.first) << info.name;
    EXPECT_EQ(info.block_bytes, geometry.second) << info.name;
  }
}

TEST(TensorType, FindsByNumber) {
  for (const TensorTypeInfo& info : tensor_types()) {
    EXPECT_EQ(find_tensor_type(static_cast<std::uint32_t>(info.type)), &info);
  }
  for (const std::uint32_t unknown : {4u, 5u, 9u, 16u, 24u, 31u, 39u, 0xFFFFFFFFu}) {
    EXPECT_EQ(find_tensor_type(unknown), nullptr) << unknown;
  }
}

TEST(TensorType, FindsByNameInAnyCase) {
  for (const TensorTypeInfo& info : tensor_types()) EXPECT_EQ(find_tensor_type(info.name), &info);
  EXPECT_EQ(find_tensor_type("q4_k"), &tensor_type_info(TensorType::q4_k));
  EXPECT_EQ(find_tensor_type("Bf16"), &tensor_type_info(TensorType::bf16));
  for (const char* unknown : {"", "q4", "q4_00", "q9_0", " f32"}) EXPECT_EQ(find_tensor_type(unknown), nullptr);
}

TEST(TensorType, RefusesANumberThatIsNoType) { EXPECT_THROW(tensor_type_info(static_cast<TensorType>(4)), Error); }

}  // namespace
}  // namespace covey
