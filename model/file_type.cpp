#include "model/file_type.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace covey {
namespace {

struct FileType {
  std::uint32_t number;
  std::string_view name;
  std::string_view also = {};  // a plain type that this mixture's number serves as well
};

constexpr std::array<FileType, 20> kFileTypes{{{0, "F32"},
                                               {1, "F16"},
                                               {2, "Q4_0"},
                                               {3, "Q4_1"},
                                               {7, "Q8_0"},
                                               {8, "Q5_0"},
                                               {9, "Q5_1"},
                                               {10, "Q2_K"},
                                               {11, "Q3_K_S", "Q3_K"},
                                               {12, "Q3_K_M"},
                                               {13, "Q3_K_L"},
                                               {14, "Q4_K_S", "Q4_K"},
                                               {15, "Q4_K_M"},
                                               {16, "Q5_K_S", "Q5_K"},
                                               {17, "Q5_K_M"},
                                               {18, "Q6_K"},
                                               {21, "Q2_K_S"},
                                               {25, "IQ4_NL"},
                                               {30, "IQ4_XS"},
                                               {32, "BF16"}}};

}  // namespace

std::optional<std::uint32_t> file_type_number(std::string_view name) {
  for (const FileType& type : kFileTypes) {
    if (type.name == name || type.also == name) return type.number;
  }
  return std::nullopt;
}

std::string weight_format(const GgufFile& file) {
  if (const GgufValue* value = file.find(kFileTypeKey); value != nullptr) {
    const auto* number = std::get_if<std::uint32_t>(value);
    const auto* const known = std::ranges::find_if(
        kFileTypes, [&](const FileType& type) { return number != nullptr && type.number == *number; });
    if (known != kFileTypes.end()) return std::string(known->name);
  }
  std::map<TensorType, std::uint64_t> elements;
  for (const GgufTensor& tensor : file.tensors()) elements[tensor.type] += tensor.elements();
  const auto most = std::ranges::max_element(elements, {}, &std::pair<const TensorType, std::uint64_t>::second);
  return most == elements.end() ? std::string() : std::string(tensor_type_info(most->first).name);
}

}  // namespace covey
