#include "cli/message_reader.hpp"

#include <string_view>
#include <utility>

#include "third_party_free_formats/utf8.hpp"

namespace covey {

namespace {

constexpr std::string_view kFence = "\"\"\"";

// The fences' own lines are not part of the text.
std::string fenced(LineSource& lines, std::string text) {
  text.erase(0, text.find(kFence) + kFence.size());
  bool begins = text.empty();
  while (!text.ends_with(kFence)) {
    std::optional<LineSource::Line> line = lines.next(true);
    if (!line) return text;
    if (!begins) text += '\n';
    text += line->text;
    begins = false;
  }
  text.resize(text.size() - kFence.size());
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

std::optional<TypedMessage> read_message(LineSource& lines) {
  std::optional<LineSource::Line> line = lines.next(false);
  if (!line) return std::nullopt;
  const std::size_t begin = line->text.find_first_not_of(" \t");
  if (begin != std::string::npos && std::string_view(line->text).substr(begin).starts_with(kFence)) {
    return TypedMessage{valid_utf8(fenced(lines, std::move(line->text))), true};
  }
  std::string text;
  bool pasted = false;
  while (line) {
    const bool escaped = line->text.ends_with('\\');
    if (escaped) line->text.pop_back();
    text += line->text;
    if (!escaped && !line->followed) break;
    pasted = pasted || line->followed;
    line = lines.next(true);
    if (line) text += '\n';
  }
  return TypedMessage{valid_utf8(text), pasted};
}

}  // namespace covey
