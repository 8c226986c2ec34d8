#include "model/lora.hpp"

#include "covey/error.hpp"
#include "tests/model/made_lora.hpp"
#include "tests/third_party_free_formats/gguf_bytes.hpp"

namespace covey {
namespace {

TEST(Lora, PairsItsTensors) {
  MadeLora lora;
  lora.adapt("blk.0.attn_q.weight", {64, 32}, 4);
  lora.adapt("blk.1.ffn_up_exps.weight", {64, 32, 3}, 8, TensorType::f16);
  const GgufFile file = GgufFile::open(lora.write());
  ASSERT_TRUE(is_adapter(file));
  const LoraContents contents = read_lora(file);
  EXPECT_EQ(contents.architecture, "llama");
  EXPECT_EQ(contents.alpha, 16);
  ASSERT_EQ(contents.pairs.size(), 2U);
  const LoraPair& pair = contents.pairs.at("blk.1.ffn_up_exps.weight");
  EXPECT_EQ(pair.rank(), 8U);
  EXPECT_EQ(pair.a->dims, (std::vector<std::uint64_t>{64, 8, 3}));
  EXPECT_EQ(pair.b->dims, (std::vector<std::uint64_t>{8, 32, 3}));
  EXPECT_FALSE(is_adapter(GgufFile::open(COVEY_TEST_DATA "/llama.gguf")));
}

TEST(Lora, SaysWhatIsWrong) {
  struct Wrong {
    const char* part;  // of the message
    std::function<void(MadeLora&)> change;
  };
  const std::vector<Wrong> all = {
      {"is not an adapter", [](MadeLora& m) { m.metadata["general.type"] = std::string("model"); }},
      {"is not an adapter", [](MadeLora& m) { m.metadata.erase("general.type"); }},
      {"of type 'control_vector'", [](MadeLora& m) { m.metadata["adapter.type"] = std::string("control_vector"); }},
      {"certain tokens", [](MadeLora& m) { m.metadata["adapter.alora.invocation_tokens"] = std::uint32_t{1}; }},
      {"'general.architecture' is missing", [](MadeLora& m) { m.metadata.erase("general.architecture"); }},
      {"'adapter.lora.alpha' is missing", [](MadeLora& m) { m.metadata.erase("adapter.lora.alpha"); }},
      {"0 or not finite", [](MadeLora& m) { m.metadata["adapter.lora.alpha"] = 0.0F; }},
      {"0 or not finite",
       [](MadeLora& m) { m.metadata["adapter.lora.alpha"] = std::numeric_limits<float>::quiet_NaN(); }},
      {"0 or not finite", [](MadeLora& m) { m.metadata["adapter.lora.alpha"] = 1e300; }},
      {"without tensors", [](MadeLora& m) { m.tensors.clear(); }},
      {"'q.lora_b' is missing", [](MadeLora& m) { m.tensors.erase("q.lora_b"); }},
      {"'q.lora_a' is missing", [](MadeLora& m) { m.tensors.erase("q.lora_a"); }},
      {"'blk.0.attn_norm.weight' is neither",
       [](MadeLora& m) {
         m.tensors["blk.0.attn_norm.weight"] = {{4}, std::vector<float>(4), {}};
       }},
      {"not a matrix",
       [](MadeLora& m) {
         m.tensors["q.lora_a"] = {{32}, std::vector<float>(32), {}};
       }},
      {"not a matrix",
       [](MadeLora& m) {
         m.tensors["q.lora_a"] = {{32, 4, 1, 2}, std::vector<float>(256), {}};
       }},
      {"has rank 5",
       [](MadeLora& m) {
         m.tensors["q.lora_a"] = {{32, 5}, std::vector<float>(160), {}};
       }},
      {"numbers of experts",
       [](MadeLora& m) {
         m.tensors["q.lora_a"] = {{32, 4, 2}, std::vector<float>(256), {}};
       }},
  };
  for (const Wrong& wrong : all) {
    MadeLora lora;
    lora.adapt("q", {32, 8}, 4);
    wrong.change(lora);
    const GgufFile file = GgufFile::open(lora.write());
    const std::string message = message_of<Error>([&] { read_lora(file); });
    EXPECT_NE(message.find(wrong.part), std::string::npos) << message;
    EXPECT_TRUE(message.starts_with(file.path() + ": ")) << message;
  }
}

}  // namespace
}  // namespace covey
