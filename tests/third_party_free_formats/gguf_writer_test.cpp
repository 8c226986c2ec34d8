#include "third_party_free_formats/gguf_writer.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <stdexcept>

#include "covey/error.hpp"
#include "tests/third_party_free_formats/gguf_bytes.hpp"

namespace covey {
namespace {

GgufWriter::Source zeros(std::size_t count) {
  return [count](const GgufWriter::Sink& sink) { sink(std::vector<std::byte>(count)); };
}

std::size_t files_in(const std::filesystem::path& folder) {
  const std::filesystem::directory_iterator files(folder);
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

// No file of this process grows beyond `bytes` while this lives: writing fails as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void (*handler_)(int);
  rlimit before_{};
};

TEST(GgufWriter, WritesEveryValueTypeBackAsItWas) {
  const GgufArray bytes{std::vector<std::uint8_t>{1, 2, 255}};
  const GgufArray nested{std::vector<GgufArray>{bytes, GgufArray{std::vector<std::string>{"a", ""}}}};
  const std::vector<std::pair<std::string, GgufValue>> metadata{
      {"u8", std::uint8_t{255}},
      {"i8", std::int8_t{-128}},
      {"u16", std::uint16_t{65535}},
      {"i16", std::int16_t{-32768}},
      {"u32", std::uint32_t{4294967295u}},
      {"i32", std::int32_t{-2147483647}},
      {"f32", -0.1f},
      {"true", true},
      {"false", false},
      {"string", std::string("with \0 zero", 11)},
      {"empty", std::string()},
      {"u64", ~std::uint64_t{0}},
      {"i64", std::int64_t{-1}},
      {"f64", 0.1},
      {"u8s", bytes},
      {"i8s", GgufArray{std::vector<std::int8_t>{-1, 1}}},
      {"u16s", GgufArray{std::vector<std::uint16_t>{1, 65535}}},
      {"i16s", GgufArray{std::vector<std::int16_t>{-1, 1}}},
      {"u32s", GgufArray{std::vector<std::uint32_t>{1}}},
      {"i32s", GgufArray{std::vector<std::int32_t>{-1, 0, 1}}},
      {"f32s", GgufArray{std::vector<float>{0.5f, 1e30f}}},
      {"bools", GgufArray{std::vector<bool>{true, false, true}}},
      {"strings", GgufArray{std::vector<std::string>{"one", "", "three"}}},
      {"u64s", GgufArray{std::vector<std::uint64_t>{1}}},
      {"i64s", GgufArray{std::vector<std::int64_t>{-1}}},
      {"f64s", GgufArray{std::vector<double>{0.1, -0.2}}},
      {"none", GgufArray{std::vector<float>{}}},
      {"nested", nested},
      {"deepest", GgufArray{std::vector<GgufArray>{GgufArray{std::vector<GgufArray>{nested, nested}}}}},
  };
  const TemporaryPath path("file.gguf");
  GgufWriter writer;
  for (const auto& [key, value] : metadata) writer.set(key, value);
  writer.write(path.string());
  const GgufFile file = GgufFile::open(path.string());
  EXPECT_EQ(file.version(), 3u);
  EXPECT_EQ(file.metadata(), metadata);
}

TEST(GgufWriter, WritesTensorsGivenInPieces) {
  const TemporaryPath path("file.gguf");
  GgufWriter writer;
  writer.set("general.alignment", std::uint32_t{64});
  writer.add_tensor("a", TensorType::q8_0, {32, 2}, [](const GgufWriter::Sink& sink) {
    for (int i = 0; i < 68; ++i) sink(std::vector<std::byte>(1, static_cast<std::byte>(i)));
  });
  writer.add_tensor("b", TensorType::f32, {2, 3, 4, 5}, zeros(480));
  constexpr std::size_t kLarge = std::size_t{3} << 20;  // larger than any buffer between
  writer.add_tensor("c", TensorType::f16, {kLarge / 2}, [](const GgufWriter::Sink& sink) {
    sink({});
    sink(std::vector<std::byte>(kLarge - 10, std::byte{5}));
    sink(std::vector<std::byte>(10, std::byte{6}));
  });
  std::uint64_t last = 0, total = 0;
  writer.write(path.string(), [&](std::uint64_t done, std::uint64_t all) {
    EXPECT_GE(done, last);
    last = done;
    total = all;
  });

  const GgufFile file = GgufFile::open(path.string());
  EXPECT_EQ(last, total);
  EXPECT_EQ(total, file.file_bytes());
  EXPECT_EQ(file.alignment(), 64u);
  ASSERT_EQ(file.tensors().size(), 3u);
  EXPECT_EQ(file.find_tensor("a")->data[67], std::byte{67});
  EXPECT_EQ(file.find_tensor("b")->dims, (std::vector<std::uint64_t>{2, 3, 4, 5}));
  const auto c = file.find_tensor("c")->data;
  EXPECT_EQ(c.size(), kLarge);
  EXPECT_EQ(std::ranges::count(c, std::byte{5}), static_cast<std::ptrdiff_t>(kLarge - 10));
  EXPECT_EQ(c.back(), std::byte{6});
  EXPECT_EQ(files_in(path.folder()), 1u);
}

TEST(GgufWriter, WritesAFileOfAnotherWriterAgainUnchanged) {
  const std::string original = COVEY_TEST_DATA "/llama3-rope.gguf";
  const TemporaryPath path("copy.gguf");
  const GgufFile file = GgufFile::open(original);
  GgufWriter writer;
  for (const auto& [key, value] : file.metadata()) writer.set(key, value);
  for (const GgufTensor& tensor : file.tensors()) {
    writer.add_tensor(tensor.name, tensor.type, tensor.dims,
                      [&tensor](const GgufWriter::Sink& sink) { sink(tensor.data); });
  }
  writer.write(path.string());
  EXPECT_TRUE(file_contents(path.string()) == file_contents(original));
}

TEST(GgufWriter, RefusesWhatAReaderWouldRefuse) {
  GgufWriter writer;
  writer.set("key", std::uint8_t{1});
  EXPECT_THROW(writer.set("key", std::uint8_t{2}), Error);
  EXPECT_THROW(writer.set("general.alignment", std::uint64_t{32}), Error);
  EXPECT_THROW(writer.set("general.alignment", std::uint32_t{48}), Error);
  EXPECT_THROW(writer.set("general.alignment", std::uint32_t{0}), Error);
  GgufArray deep{std::vector<std::uint8_t>{1}};
  for (int i = 0; i < 4; ++i) deep = GgufArray{std::vector<GgufArray>{deep}};
  EXPECT_THROW(writer.set("deep", deep), Error);

  writer.add_tensor("tensor", TensorType::f32, {8}, zeros(32));
  EXPECT_THROW(writer.add_tensor("tensor", TensorType::f32, {8}, zeros(32)), Error);
  EXPECT_THROW(writer.add_tensor("rows", TensorType::q4_0, {33}, zeros(18)), Error);
  EXPECT_THROW(writer.add_tensor("none", TensorType::f32, {}, zeros(0)), Error);
  EXPECT_THROW(writer.add_tensor("zero", TensorType::f32, {8, 0}, zeros(0)), Error);
  EXPECT_THROW(writer.add_tensor("five", TensorType::f32, {1, 1, 1, 1, 1}, zeros(4)), Error);
  EXPECT_THROW(writer.add_tensor("large", TensorType::f32, {1ull << 62, 2}, zeros(4)), Error);

  // What was refused left no trace.
  const TemporaryPath path("file.gguf");
  writer.write(path.string());
  const GgufFile file = GgufFile::open(path.string());
  EXPECT_EQ(file.metadata().size(), 1u);
  EXPECT_EQ(file.tensors().size(), 1u);
}

TEST(GgufWriter, RefusesMoreTensorsThanAFileCanHold) {
  const TemporaryPath path("file.gguf");
  GgufWriter writer;
  for (const char* name : {"a", "b", "c"}) writer.add_tensor(name, TensorType::f32, {(1ull << 61) - 1}, zeros(0));
  const std::string message = message_of<Error>([&] { writer.write(path.string()); });
  EXPECT_NE(message.find("63 bits"), std::string::npos) << message;
  EXPECT_EQ(files_in(path.folder()), 0u);
}

// A file that was there before stays as it was, and nothing else remains.
void expect_failure(const GgufWriter& writer, const std::string& part) {
  const TemporaryPath path("file.gguf");
  write_contents(path.string(), "the file before");
  const std::string message = message_of<Error>([&] { writer.write(path.string()); });
  EXPECT_TRUE(message.starts_with(path.string())) << message;
  EXPECT_NE(message.find(part), std::string::npos) << message;
  EXPECT_EQ(file_contents(path.string()), "the file before");
  EXPECT_EQ(files_in(path.folder()), 1u);
}

TEST(GgufWriter, HoldsSourcesToTheSizeOfTheirTensor) {
  GgufWriter few, many;
  few.add_tensor("t", TensorType::f32, {8}, zeros(28));
  many.add_tensor("t", TensorType::f32, {8}, zeros(33));
  expect_failure(few, "tensor 't' was given 4 bytes too few");
  expect_failure(many, "tensor 't' was given too many bytes");
}

TEST(GgufWriter, LeavesNothingWhereTheDiskIsFull) {
  for (const std::size_t bytes : {std::size_t{128} << 10, std::size_t{8} << 20}) {
    GgufWriter writer;
    writer.add_tensor("t", TensorType::f32, {bytes / 4}, [bytes](const GgufWriter::Sink& sink) {
      const std::vector<std::byte> piece(bytes / 8);
      for (int i = 0; i < 8; ++i) sink(piece);
    });
    const FileSizeLimit full_disk((64 << 10) + 5);  // the write that meets the limit is a short one
    expect_failure(writer, "can't be written: File too large");
  }
}

TEST(GgufWriter, LeavesNothingWhereASourceThrows) {
  const TemporaryPath path("file.gguf");
  GgufWriter writer;
  writer.add_tensor("t", TensorType::f32, {8}, [](const GgufWriter::Sink&) { throw std::logic_error("stop"); });
  EXPECT_EQ(message_of<std::logic_error>([&] { writer.write(path.string()); }), "stop");
  EXPECT_EQ(files_in(path.folder()), 0u);
}

TEST(GgufWriter, NamesAPathThatCantBeWritten) {
  const TemporaryPath path("folder");
  const GgufWriter writer;
  const std::string missing = path.string() + "/absent/file.gguf";
  EXPECT_NE(message_of<Error>([&] { writer.write(missing); }).find(missing + ": can't be written: No such file"),
            std::string::npos);
  std::filesystem::create_directories(path.string() + "/inner");
  EXPECT_NE(message_of<Error>([&] { writer.write(path.string()); }).find("can't be written: Is a directory"),
            std::string::npos);
  EXPECT_EQ(files_in(path.folder()), 1u);
}

}  // namespace
}  // namespace covey
