#include "third_party_free_formats/gguf_split.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>

#include "covey/error.hpp"
#include "third_party_free_formats/gguf_layout.hpp"
#include "third_party_free_formats/gguf_writer.hpp"

namespace covey {
namespace {

constexpr std::string_view kExtension = ".gguf";
constexpr std::string_view kBetween = "-of-";
constexpr std::size_t kNameDigits = 5;

std::string five_digits(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(kNameDigits - std::min(kNameDigits, digits.size()), '0') + digits;
}

std::optional<std::uint64_t> take_five_digits(std::string_view& text) {
  if (text.size() < kNameDigits) return std::nullopt;
  const std::string_view digits = text.substr(text.size() - kNameDigits);
  std::uint64_t number = 0;
  const auto [stop, failure] = std::from_chars(digits.data(), digits.data() + kNameDigits, number);
  if (failure != std::errc() || stop != digits.data() + kNameDigits) return std::nullopt;
  text.remove_suffix(kNameDigits);
  return number;
}

bool take_end(std::string_view& text, std::string_view end) {
  if (!text.ends_with(end)) return false;
  text.remove_suffix(end.size());
  return true;
}

/// Tensors first .. last of the file.
struct PartTensors {
  std::size_t first = 0;
  std::size_t last = 0;
};

/// A part without its tensors.
GgufWriter empty_part(const GgufFile& file, std::uint64_t number, std::uint64_t count) {
  GgufWriter writer;
  for (const auto& [key, value] : file.metadata()) {
    if (number == 1 ? !is_split_key(key) : key == kGgufAlignmentKey) writer.set(key, value);
  }
  writer.set(std::string(kSplitNoKey), static_cast<std::uint16_t>(number - 1));
  writer.set(std::string(kSplitCountKey), static_cast<std::uint16_t>(count));
  writer.set(std::string(kSplitTensorsKey), static_cast<std::int32_t>(file.tensors().size()));
  return writer;
}

/// Fills one part after the other.
std::vector<PartTensors> plan_parts(const GgufFile& file, const SplitLimits& limits) {
  std::vector<PartTensors> parts(1);
  std::uint64_t header = empty_part(file, 1, 1).file_bytes();
  const std::uint64_t later_header = empty_part(file, 2, 2).file_bytes();
  std::uint64_t data = 0;
  std::uint64_t least = 0;  // that would do
  for (std::size_t i = 0; i < file.tensors().size(); ++i) {
    const GgufTensor& tensor = file.tensors()[i];
    const std::uint64_t info = gguf_tensor_info_bytes(tensor.name, tensor.dims.size());
    const std::uint64_t bytes = gguf_aligned(tensor.data.size(), file.alignment());
    const auto total = [&] { return gguf_aligned(header + info, file.alignment()) + data + bytes; };
    const bool full = (limits.tensors > 0 && i - parts.back().first >= limits.tensors) ||
                      (limits.bytes > 0 && total() > limits.bytes);
    if (full && i > parts.back().first) {
      parts.push_back({i, i});
      header = later_header;
      data = 0;
    }
    if (limits.bytes > 0) least = std::max(least, total());  // with this tensor alone, or less than the limit
    header += info;
    data += bytes;
    parts.back().last = i + 1;
  }
  if (least > limits.bytes) {
    throw Error(file.path() + ": has tensors that need parts of " + std::to_string(least) + " bytes, more than " +
                std::to_string(limits.bytes) + ": allow parts to be larger");
  }
  if (parts.size() > kMostSplitParts) {
    throw Error(file.path() + ": would become more than " + std::to_string(kMostSplitParts) +
                " parts: allow them to be larger");
  }
  return parts;
}

/// Removes what is written so far unless all is.
class WrittenParts {
 public:
  WrittenParts() = default;
  ~WrittenParts() {
    for (const std::string& path : paths_) {
      std::error_code ignored;
      std::filesystem::remove(path, ignored);
    }
  }
  WrittenParts(const WrittenParts&) = delete;
  WrittenParts& operator=(const WrittenParts&) = delete;

  void add(std::string path) { paths_.push_back(std::move(path)); }
  std::vector<std::string> keep() { return std::exchange(paths_, {}); }

 private:
  std::vector<std::string> paths_;
};

void add_tensors(GgufWriter& writer, const GgufFile& file, const PartTensors& part) {
  for (std::size_t i = part.first; i < part.last; ++i) {
    const GgufTensor& tensor = file.tensors()[i];
    writer.add_tensor(tensor.name, tensor.type, tensor.dims,
                      [&](const GgufWriter::Sink& sink) { copy_tensor(file, tensor, sink); });
  }
}

}  // namespace

bool is_split_key(std::string_view key) { return key.starts_with("split."); }

std::string SplitName::path() const {
  return (prefix + '-').append(five_digits(number)).append(kBetween).append(five_digits(count)).append(kExtension);
}

std::optional<SplitName> SplitName::parse(std::string_view path) {
  if (!take_end(path, kExtension)) return std::nullopt;
  const auto count = take_five_digits(path);
  if (!count || !take_end(path, kBetween)) return std::nullopt;
  const auto number = take_five_digits(path);
  if (!number || !take_end(path, "-") || *number < 1 || *number > *count) return std::nullopt;
  return SplitName{std::string(path), *number, *count};
}

std::vector<std::string> write_split(const GgufFile& file, const std::string& prefix, const SplitLimits& limits,
                                     const WriteProgress& progress) {
  const std::vector<PartTensors> parts = plan_parts(file, limits);
  const auto name = [&](std::size_t i) { return SplitName{prefix, i + 1, parts.size()}.path(); };
  for (std::size_t i = 0; i < parts.size(); ++i) refuse_overwriting(file, name(i));
  WrittenParts written;
  std::uint64_t done = 0;
  const std::uint64_t all = file.file_bytes();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    GgufWriter writer = empty_part(file, i + 1, parts.size());
    add_tensors(writer, file, parts[i]);
    writer.write(name(i), [&](std::uint64_t bytes, std::uint64_t) {
      if (progress) progress(std::min(all, done + bytes), all);
    });
    written.add(name(i));
    done += writer.file_bytes();
  }
  if (progress) progress(all, all);
  return written.keep();
}

void write_merged(const GgufFile& file, const std::string& path, const WriteProgress& progress) {
  refuse_overwriting(file, path);
  GgufWriter writer;
  for (const auto& [key, value] : file.metadata()) {
    if (!is_split_key(key)) writer.set(key, value);
  }
  add_tensors(writer, file, {0, file.tensors().size()});
  writer.write(path, progress);
}

}  // namespace covey
