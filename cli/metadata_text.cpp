#include "cli/metadata_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <variant>
#include <vector>

namespace covey {

namespace {

constexpr std::size_t kMostItems = 6;
constexpr std::size_t kMostBytes = 200;

std::string item_text(const std::string& text) {
  if (text.size() <= kMostBytes) return fmt::format("\"{}\"", printable(text));
  // Cut before a character, not inside it.
  std::size_t end = kMostBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return fmt::format("\"{}…\" ({} bytes)", printable(std::string_view(text).substr(0, end)), text.size());
}

std::string item_text(const GgufArray& array) {
  return std::visit(
      [](const auto& items) {
        std::string out = "[";
        const std::size_t shown = std::min(items.size(), kMostItems);
        for (std::size_t i = 0; i < shown; ++i) {
          out += i == 0 ? "" : ", ";
          using Item = typename std::decay_t<decltype(items)>::value_type;
          if constexpr (std::is_same_v<Item, std::string> || std::is_same_v<Item, GgufArray>) {
            out += item_text(items[i]);
          } else {
            out += fmt::format("{}", static_cast<Item>(items[i]));
          }
        }
        if (items.size() > shown) out += fmt::format(", … ({} in all)", items.size());
        return out + "]";
      },
      array.items);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

std::string metadata_text(const GgufValue& value) {
  return std::visit(
      [](const auto& v) {
        using Value = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<Value, std::string> || std::is_same_v<Value, GgufArray>) {
          return item_text(v);
        } else {
          return fmt::format("{}", v);
        }
      },
      value);
}

nlohmann::ordered_json metadata_json(const GgufValue& value) {
  const auto array_json = [](const auto& self, const GgufArray& array) -> nlohmann::ordered_json {
    return std::visit(
        [&](const auto& items) {
          nlohmann::ordered_json out = nlohmann::ordered_json::array();
          for (const auto& item : items) {
            if constexpr (std::is_same_v<std::decay_t<decltype(item)>, GgufArray>) {
              out.push_back(self(self, item));
            } else {
              out.push_back(item);
            }
          }
          return out;
        },
        array.items);
  };
  return std::visit(
      [&](const auto& v) -> nlohmann::ordered_json {
        if constexpr (std::is_same_v<std::decay_t<decltype(v)>, GgufArray>) {
          return array_json(array_json, v);
        } else {
          return v;
        }
      },
      value);
}

}  // namespace covey
