#include "model/chat_template.hpp"

#include <algorithm>
#include <limits>

#include "covey/error.hpp"
#include "model/jinja/json.hpp"

namespace covey {
namespace {

constexpr std::string_view kKey = "tokenizer.chat_template";

std::string way_out() { return "choose a built-in one with --chat-template NAME: " + built_in_chat_template_names(); }

std::string token_text(const GgufFile& file, std::string_view key) {
  const std::vector<std::string>* texts = file.strings("tokenizer.ggml.tokens");
  const std::optional<std::int64_t> id = file.integer(key);
  if (!texts || !id) return "";
  if (*id < 0 || static_cast<std::uint64_t>(*id) >= texts->size())
    throw Error(file.path() + ": " + std::string(key) + " is " + std::to_string(*id) + ", but there are " +
                std::to_string(texts->size()) + " tokens");
  return (*texts)[static_cast<std::size_t>(*id)];
}

const std::string* source_in(const GgufFile& file, std::string_view name) {
  return file.string(name.empty() ? std::string(kKey) : std::string(kKey) + '.' + std::string(name));
}

jinja::Value message_value(const ChatMessage& message) {
  if (message.more.find("role") && message.more.find("content")) return message.more;  // in its own order
  jinja::Dict members = {{"role", message.role}, {"content", message.content}};
  for (const jinja::Dict::Entry& entry : message.more.entries()) members.set(entry.key, entry.value);
  return members;
}

}  // namespace

ChatTokens ChatTokens::of(const GgufFile& file) {
  return {token_text(file, "tokenizer.ggml.bos_token_id"), token_text(file, "tokenizer.ggml.eos_token_id")};
}

ChatTemplate::ChatTemplate(std::string_view source, std::string origin, ChatTokens tokens)
    : origin_(std::move(origin)), tokens_(std::move(tokens)), template_(parsed(source)) {}

jinja::Template ChatTemplate::parsed(std::string_view source) const {
  try {
    return jinja::Template(source);
  } catch (const Error& error) {
    throw Error(origin_ + ", " + error.what() + "; " + way_out());
  }
}

ChatTemplate ChatTemplate::choose(const GgufFile& file, std::string_view wanted, bool with_tools) {
  const bool usual = wanted.empty() || wanted == "default";
  std::string_view name = usual ? "" : wanted;
  if (wanted.empty() && with_tools && source_in(file, "tool_use")) name = "tool_use";
  if (const std::string* source = source_in(file, name)) {
    std::string origin = file.path() + ": " + std::string(kKey);
    if (!name.empty()) origin += '.' + std::string(name);
    return {*source, std::move(origin), ChatTokens::of(file)};
  }
  if (usual) throw Error(file.path() + ": the file has no chat template; " + way_out());
  const auto built_in = built_in_chat_templates();
  const auto at =
      std::find_if(built_in.begin(), built_in.end(), [wanted](const auto& one) { return one.name == wanted; });
  if (at != built_in.end()) return {at->source, "built-in chat template " + std::string(wanted), ChatTokens::of(file)};
  std::string message =
      "there is no chat template '" + std::string(wanted) + "'; built-in ones are " + built_in_chat_template_names();
  std::string own;
  for (const std::string& one : named_chat_templates(file)) own += (own.empty() ? "" : ", ") + one;
  if (!own.empty()) message += "; " + file.path() + " has " + own;
  throw Error(message);
}

std::string ChatTemplate::render(const ChatInput& input, const jinja::Clock& clock) const {
  std::vector<jinja::Value> messages;
  for (const ChatMessage& message : input.messages) messages.push_back(message_value(message));
  jinja::Dict variables = {
      {"messages", std::move(messages)},
      {"tools", input.tools.is(jinja::Kind::undefined) ? jinja::Value(jinja::None{}) : input.tools},
      {"documents", jinja::None{}},
      {"add_generation_prompt", input.add_generation_prompt}};
  if (!tokens_.bos.empty()) variables.set("bos_token", tokens_.bos);
  if (!tokens_.eos.empty()) variables.set("eos_token", tokens_.eos);
  for (const jinja::Dict::Entry& entry : input.variables.entries()) variables.set(entry.key, entry.value);
  try {
    return template_.render(variables, clock);
  } catch (const jinja::TemplateRefusal& refusal) {
    throw Error(origin_ + " refuses these messages, " + refusal.what());
  } catch (const Error& error) {
    throw Error(origin_ + ", " + error.what() + "; " + way_out());
  }
}

std::optional<bool> ChatTemplate::bos_for(std::string_view prompt) const {
  if (!tokens_.bos.empty() && prompt.starts_with(tokens_.bos)) return false;
  return std::nullopt;
}

bool has_chat_template(const GgufFile& file) { return source_in(file, "") != nullptr; }

std::vector<std::string> named_chat_templates(const GgufFile& file) {
  std::vector<std::string> names;
  const std::string prefix = std::string(kKey) + '.';
  for (const auto& [key, value] : file.metadata()) {
    if (key.starts_with(prefix) && std::holds_alternative<std::string>(value))
      names.push_back(key.substr(prefix.size()));
  }
  return names;
}

std::vector<ChatMessage> chat_messages_from_json(std::string_view json, const std::string& name) {
  const jinja::Value list = jinja::parse_json(json, name);
  if (!list.is(jinja::Kind::list)) throw Error(name + ": messages must be a JSON array of objects");
  std::vector<ChatMessage> messages;
  for (const jinja::Value& one : list.items()) {
    const jinja::Value* role = one.is(jinja::Kind::dict) ? one.dict().find("role") : nullptr;
    if (!role || !role->is(jinja::Kind::string))
      throw Error(name + ": message " + std::to_string(messages.size() + 1) + " must be an object with a \"role\"");
    jinja::Dict members = one.dict();
    if (!members.find("content")) members.set("content", jinja::None{});
    messages.push_back({role->text(), "", std::move(members)});
  }
  return messages;
}

std::string chat_messages_to_json(std::span<const ChatMessage> messages) {
  std::vector<jinja::Value> list;
  for (const ChatMessage& message : messages) list.push_back(message_value(message));
  // A conversation may be longer than what a template may write: there are no limits to guard against here.
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max() / 2;
  const jinja::Clock clock;
  jinja::Runtime runtime({.steps = most, .bytes = most, .output = most}, clock);
  return jinja::to_json(runtime, list, {.indent = "  ", .between = ","}) + '\n';
}

}  // namespace covey
