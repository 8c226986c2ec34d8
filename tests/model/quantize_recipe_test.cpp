#include "model/quantize_recipe.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "kernels/quant/formats.hpp"
#include "model/file_type.hpp"
#include "tests/model/recipe.hpp"
#include "tests/third_party_free_formats/gguf_bytes.hpp"
#include "third_party_free_formats/gguf_writer.hpp"

namespace covey {
namespace {

// A file of matrices of one row, and a vector.
class Layers {
 public:
  Layers(std::uint64_t cols, std::uint32_t layers, bool tied) : path_("layers.gguf") {
    GgufWriter writer;
    const auto add = [&](const std::string& name, std::vector<std::uint64_t> dims) {
      const std::vector<std::byte> zeros(dims[0] * 4);
      writer.add_tensor(name, TensorType::f32, std::move(dims), [zeros](const GgufWriter::Sink& sink) { sink(zeros); });
    };
    add("token_embd.weight", {cols, 1});
    add("output_norm.weight", {cols});
    if (!tied) add("output.weight", {cols, 1});
    for (std::uint32_t layer = 0; layer < layers; ++layer) {
      const std::string block = "blk." + std::to_string(layer) + ".";
      for (const char* name : {"attn_q.weight", "attn_v.weight", "attn_output.weight", "ffn_down.weight",
                               "ffn_gate_inp.weight", "ffn_up.weight"}) {
        add(block + name, {cols, 1});
      }
    }
    writer.write(path_.string());
  }

  std::map<std::string, TensorChoice> choose(const QuantizeRecipe& recipe) const {
    const GgufFile file = GgufFile::open(path_.string());
    const std::vector<TensorChoice> choices = choose_types(file, recipe);
    std::map<std::string, TensorChoice> by_name;
    for (std::size_t i = 0; i < choices.size(); ++i) by_name[file.tensors()[i].name] = choices[i];
    return by_name;
  }

 private:
  TemporaryPath path_;
};

TEST(Mixtures, EveryFormatIsOneAndNamesAreUnique) {
  std::set<std::string_view> names;
  for (const Mixture& mixture : mixtures()) {
    EXPECT_TRUE(names.insert(mixture.name).second) << mixture.name;
    EXPECT_EQ(find_mixture(mixture.name), &mixture);
    EXPECT_TRUE(file_type_number(mixture.name).has_value()) << mixture.name;
    EXPECT_NE(find_format(mixture.base), nullptr);
    for (const MixtureRule& rule : mixture.rules) EXPECT_NE(find_format(rule.type), nullptr) << mixture.name;
  }
  for (const Format& format : formats()) EXPECT_TRUE(names.contains(tensor_type_info(format.type).name));
  EXPECT_NE(find_mixture("q8_0"), nullptr);
  EXPECT_EQ(find_mixture("Q8"), nullptr);
}

TEST(ChooseTypes, MatricesChangeAndVectorsStay) {
  const Layers layers(256, 2, false);
  auto choices = layers.choose(recipe_of("Q4_0"));
  EXPECT_EQ(choices["output_norm.weight"].type, TensorType::f32);
  EXPECT_EQ(choices["blk.0.attn_q.weight"].type, TensorType::q4_0);
  EXPECT_EQ(choices["token_embd.weight"].type, TensorType::q4_0);
  EXPECT_EQ(choices["output.weight"].type, TensorType::q6_k);
  EXPECT_EQ(choices["blk.1.ffn_gate_inp.weight"].type, TensorType::f32) << "a router";
  EXPECT_EQ(layers.choose(recipe_of("Q8_0"))["output.weight"].type, TensorType::q8_0);
}

TEST(ChooseTypes, EmbeddingsThatServeAsOutputAreTreatedAsOutput) {
  const Layers layers(256, 1, true);
  EXPECT_EQ(layers.choose(recipe_of("Q4_0"))["token_embd.weight"].type, TensorType::q6_k);
  QuantizeRecipe recipe = recipe_of("Q4_0");
  recipe.output = TensorType::f16;
  EXPECT_EQ(layers.choose(recipe)["token_embd.weight"].type, TensorType::f16);
  recipe.embedding = TensorType::q8_0;
  EXPECT_EQ(layers.choose(recipe)["token_embd.weight"].type, TensorType::q8_0);
}

TEST(ChooseTypes, WhatIsToBeKeptIsKept) {
  const Layers layers(256, 2, false);
  QuantizeRecipe recipe = recipe_of("Q8_0");
  recipe.keep = {"blk.1.", "attn_v"};
  auto choices = layers.choose(recipe);
  EXPECT_EQ(choices["blk.0.attn_q.weight"].type, TensorType::q8_0);
  EXPECT_EQ(choices["blk.0.attn_v.weight"].type, TensorType::f32);
  EXPECT_EQ(choices["blk.1.attn_q.weight"].type, TensorType::f32);
}

TEST(ChooseTypes, RowsThatAreNotWholeBlocksGetTheNextTypeThatFits) {
  for (const std::uint64_t cols : {33, 64, 96, 256}) {
    const Layers layers(cols, 1, false);
    for (const Mixture& mixture : mixtures()) {
      const TensorTypeInfo& base = tensor_type_info(mixture.base);
      const TensorChoice choice = layers.choose(recipe_of(mixture.name))["blk.0.attn_q.weight"];
      const TensorTypeInfo& chosen = tensor_type_info(choice.type);
      EXPECT_EQ(cols % chosen.block_elements, 0U) << mixture.name << " " << cols;
      if (cols % base.block_elements == 0) {
        EXPECT_EQ(choice.type, mixture.base);
        EXPECT_FALSE(choice.wanted.has_value());
      } else {
        EXPECT_EQ(choice.wanted, mixture.base);
        EXPECT_GT(chosen.block_bytes * base.block_elements, base.block_bytes * chosen.block_elements) << "more bits";
      }
    }
  }
  EXPECT_EQ(Layers(64, 1, false).choose(recipe_of("Q6_K"))["blk.0.attn_q.weight"].type, TensorType::q8_0);
  EXPECT_EQ(Layers(33, 1, false).choose(recipe_of("Q8_0"))["blk.0.attn_q.weight"].type, TensorType::f16);
}

TEST(ChooseTypes, MixturesGiveSomeLayersMore) {
  if (find_mixture("Q4_K_M") == nullptr || find_mixture("Q3_K_M") == nullptr) {
    GTEST_SKIP() << "this build has no formats of 3 to 5 bits in blocks of 256";
  }
  const Layers layers(256, 16, false);
  auto medium = layers.choose(recipe_of("Q4_K_M"));
  std::string more;
  for (int layer = 0; layer < 16; ++layer) {
    const std::string block = "blk." + std::to_string(layer) + ".";
    more += medium[block + "attn_v.weight"].type == TensorType::q6_k ? '6' : '4';
    EXPECT_EQ(medium[block + "ffn_down.weight"].type, medium[block + "attn_v.weight"].type);
    EXPECT_EQ(medium[block + "ffn_up.weight"].type, TensorType::q4_k);
  }
  EXPECT_EQ(more, "6644644644644666") << "both ends, and every third between";
  auto small = layers.choose(recipe_of("Q4_K_S"));
  EXPECT_EQ(small["blk.3.attn_v.weight"].type, TensorType::q5_k);
  EXPECT_EQ(small["blk.4.attn_v.weight"].type, TensorType::q4_k);
  EXPECT_EQ(small["blk.1.ffn_down.weight"].type, TensorType::q5_k);
  EXPECT_EQ(small["blk.2.ffn_down.weight"].type, TensorType::q4_k);
  auto three = layers.choose(recipe_of("Q3_K_M"));
  EXPECT_EQ(three["blk.1.attn_v.weight"].type, TensorType::q5_k);
  EXPECT_EQ(three["blk.2.attn_v.weight"].type, TensorType::q4_k);
  EXPECT_EQ(three["blk.0.ffn_down.weight"].type, TensorType::q5_k);
  EXPECT_EQ(three["blk.9.ffn_down.weight"].type, TensorType::q4_k);
  EXPECT_EQ(three["blk.9.attn_output.weight"].type, TensorType::q4_k);
  EXPECT_EQ(three["blk.9.attn_q.weight"].type, TensorType::q3_k);
}

// Files of the same model, made by another program.
TEST(ChooseTypes, AgreesWithTheReferenceFiles) {
  const std::string folder = std::string(COVEY_REFERENCE_DIR) + "/models/llama-";
  int compared = 0;
  for (const auto& [file_name, mixture] : std::map<std::string, std::string>{{"q4_0", "Q4_0"},
                                                                             {"q4_1", "Q4_1"},
                                                                             {"q5_0", "Q5_0"},
                                                                             {"q5_1", "Q5_1"},
                                                                             {"q8_0", "Q8_0"},
                                                                             {"q6_k", "Q6_K"},
                                                                             {"q3_k_m", "Q3_K_M"},
                                                                             {"q4_k_m", "Q4_K_M"},
                                                                             {"q5_k_m", "Q5_K_M"}}) {
    const std::string path = folder + file_name + ".gguf";
    if (!std::filesystem::exists(path) || find_mixture(mixture) == nullptr) continue;
    const GgufFile file = GgufFile::open(path);
    EXPECT_EQ(weight_format(file), mixture);
    const std::vector<TensorChoice> choices = choose_types(file, recipe_of(mixture));
    for (std::size_t i = 0; i < choices.size(); ++i) {
      EXPECT_EQ(choices[i].type, file.tensors()[i].type) << path << " " << file.tensors()[i].name;
    }
    ++compared;
  }
  if (compared == 0) GTEST_SKIP() << "no reference files in " << COVEY_REFERENCE_DIR;
}

}  // namespace
}  // namespace covey
