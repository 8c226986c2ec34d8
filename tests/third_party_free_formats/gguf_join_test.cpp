// Parts that do not belong together.
#include <map>

#include "covey/error.hpp"
#include "tests/third_party_free_formats/gguf_bytes.hpp"
#include "third_party_free_formats/gguf_split.hpp"
#include "third_party_free_formats/gguf_writer.hpp"

namespace covey {
namespace {

/// Three parts of a model, each with a tensor, to be made wrong.
struct ThreeParts {
  struct Part {
    std::map<std::string, GgufValue> metadata;
    std::string tensor;
    bool written = true;
  };

  ThreeParts() {
    for (std::uint16_t i = 0; i < 3; ++i) {
      Part& part = parts.emplace_back();
      part.metadata[std::string(kSplitNoKey)] = i;
      part.metadata[std::string(kSplitCountKey)] = std::uint16_t{3};
      part.metadata[std::string(kSplitTensorsKey)] = std::int32_t{3};
      part.metadata["general.name"] = std::string(1, static_cast<char>('a' + i));
      part.tensor = "tensor" + std::to_string(i);
    }
  }

  std::string path(std::uint64_t number) const { return SplitName{folder.string(), number, 3}.path(); }

  void write() const {
    const std::vector<float> values(32, 2.0F);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (!parts[i].written) continue;
      GgufWriter writer;
      for (const auto& [key, value] : parts[i].metadata) writer.set(key, value);
      writer.add_tensor(parts[i].tensor, TensorType::f32, {32},
                        [&](const GgufWriter::Sink& sink) { sink(std::as_bytes(std::span(values))); });
      writer.write(path(i + 1));
    }
  }

  /// The message that opening part `number` ends with.
  std::string error(std::uint64_t number = 1) const {
    write();
    return message_of<Error>([&] { GgufFile::open(path(number)); });
  }

  TemporaryPath folder{"model"};
  std::vector<Part> parts;
};

void expect_named(const std::string& message, const std::string& file, const std::string& what) {
  EXPECT_TRUE(message.starts_with(file + ": ")) << message;
  EXPECT_NE(message.find(what), std::string::npos) << message;
}

TEST(GgufParts, AnyOfThemOpensAll) {
  ThreeParts model;
  model.write();
  for (const std::uint64_t number : {1, 2, 3}) {
    const GgufFile file = GgufFile::open(model.path(number));
    EXPECT_EQ(file.path(), model.path(1));
    ASSERT_EQ(file.tensors().size(), 3U);
    EXPECT_EQ(file.tensors()[2].part, 2U);
    EXPECT_EQ(*file.string("general.name"), "a");
    EXPECT_EQ(file.metadata().size(), 1U) << "how it is split is not what it is";
    EXPECT_EQ(file.find(kSplitCountKey), nullptr);
  }
}

TEST(GgufParts, AMissingOneIsNamed) {
  ThreeParts model;
  model.parts[1].written = false;
  expect_named(model.error(), model.path(2), "part 2 of 3 of the model is missing");
  expect_named(model.error(3), model.path(2), "missing");
}

TEST(GgufParts, OneOfAnotherPlaceOrModelIsNamed) {
  ThreeParts swapped;
  swapped.parts[2].metadata[std::string(kSplitNoKey)] = std::uint16_t{1};
  expect_named(swapped.error(), swapped.path(3), "says it is part 2 of 3");
  ThreeParts longer;
  longer.parts[1].metadata[std::string(kSplitCountKey)] = std::uint16_t{4};
  expect_named(longer.error(), longer.path(2), "says it is part 2 of 4");
  ThreeParts whole;
  whole.parts[1].metadata.erase(std::string(kSplitCountKey));
  expect_named(whole.error(), whole.path(2), "does not have metadata 'split.count'");
  ThreeParts other;
  other.parts[1].metadata[std::string(kSplitTensorsKey)] = std::int32_t{4};
  expect_named(other.error(), other.path(2), "another number of tensors");
}

TEST(GgufParts, NumbersOutOfRangeAreRefused) {
  ThreeParts negative;
  negative.parts[1].metadata[std::string(kSplitNoKey)] = std::int16_t{-1};
  expect_named(negative.error(), negative.path(2), "must be from 0");
  ThreeParts huge;
  huge.parts[0].metadata[std::string(kSplitCountKey)] = std::uint64_t{1} << 40;
  expect_named(huge.error(), huge.path(1), "must be from 0 to 65535");
  ThreeParts text;
  text.parts[0].metadata[std::string(kSplitCountKey)] = std::string("three");
  expect_named(text.error(), text.path(1), "not an integer");
}

TEST(GgufParts, TensorsAreCountedAndThereOnce) {
  ThreeParts fewer;
  for (auto& part : fewer.parts) part.metadata[std::string(kSplitTensorsKey)] = std::int32_t{4};
  expect_named(fewer.error(), fewer.path(1), "hold 3 tensors, not the 4");
  ThreeParts uncounted;
  for (auto& part : uncounted.parts) part.metadata.erase(std::string(kSplitTensorsKey));
  expect_named(uncounted.error(), uncounted.path(1), "split.tensors.count");
  ThreeParts twice;
  twice.parts[2].tensor = "tensor0";
  expect_named(twice.error(), twice.path(3), "'tensor0' is in " + twice.path(1) + " too");
}

TEST(GgufParts, ATruncatedOneIsNamed) {
  ThreeParts model;
  model.write();
  std::filesystem::resize_file(model.path(2), std::filesystem::file_size(model.path(2)) - 8);
  expect_named(message_of<Error>([&] { GgufFile::open(model.path(1)); }), model.path(2), "truncated");
  std::filesystem::resize_file(model.path(2), 10);
  expect_named(message_of<Error>([&] { GgufFile::open(model.path(1)); }), model.path(2), "");
}

TEST(GgufParts, ARenamedOneSaysWhatItsNameShouldBe) {
  ThreeParts model;
  model.write();
  const std::string other = model.folder.string() + "-renamed.gguf";
  std::filesystem::rename(model.path(2), other);
  expect_named(message_of<Error>([&] { GgufFile::open(other); }), other, "NAME-00002-of-00003.gguf");
}

TEST(GgufParts, OneOfOneIsAnOrdinaryFile) {
  ThreeParts model;
  model.parts.resize(1);
  model.parts[0].metadata[std::string(kSplitCountKey)] = std::uint16_t{1};
  model.write();
  EXPECT_EQ(GgufFile::open(model.path(1)).parts().size(), 1U);
}

}  // namespace
}  // namespace covey
