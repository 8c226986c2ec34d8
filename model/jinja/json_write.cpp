#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "covey/error.hpp"
#include "model/jinja/characters.hpp"
#include "model/jinja/json.hpp"
#include "model/jinja/text_form.hpp"
#include "third_party_free_formats/utf8.hpp"

namespace covey::jinja {
namespace {

std::string escape(char32_t code) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "\\u%04x", static_cast<unsigned>(code) & 0xFFFFU);
  return text.data();
}

class Writer {
 public:
  Writer(Runtime& runtime, const JsonFormat& format) : runtime_(runtime), format_(format) {}

  void write(const Value& value) {
    runtime_.step();
    const std::size_t before = text_.size();
    switch (value.kind()) {
      case Kind::none:
        text_ += "null";
        break;
      case Kind::boolean:
        text_ += value.boolean() ? "true" : "false";
        break;
      case Kind::integer:
        text_ += std::to_string(value.integer());
        break;
      case Kind::real:
        text_ += number(value.number());
        break;
      case Kind::string:
        string(value.text());
        return;
      case Kind::list:
        return list(value.items());
      case Kind::dict:
        return dict(value.dict());
      case Kind::undefined:
        throw Error("tojson can't write what is undefined: " + value.why());
      case Kind::object:
        throw Error("tojson can't write a value of type '" + std::string(value.type_name()) + "'");
    }
    runtime_.take(text_.size() - before);
  }

  std::string text() { return std::move(text_); }

 private:
  static std::string number(double number) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
    return float_text(number);
  }

  void string(std::string_view text) {
    static constexpr std::string_view kSpecial = "\"\\\b\f\n\r\t";
    static constexpr std::string_view kLetters = "\"\\bfnrt";
    runtime_.take(text.size());
    text_ += '"';
    for (; !text.empty(); text.remove_prefix(utf8_step(text).length)) {
      const char32_t code = code_point(text.substr(0, 4));
      const std::size_t special = code < 0x80 ? kSpecial.find(static_cast<char>(code)) : std::string_view::npos;
      if (special != std::string_view::npos) {
        text_ += '\\';
        text_ += kLetters[special];
      } else if (code < 0x20 || (format_.ascii && code > 0x7E && code < 0x10000)) {
        text_ += escape(code);
      } else if (format_.ascii && code >= 0x10000) {
        text_ += escape(0xD800 + ((code - 0x10000) >> 10U)) + escape(0xDC00 + ((code - 0x10000) & 0x3FFU));
      } else {
        append_utf8(text_, code);
      }
    }
    text_ += '"';
  }

  void new_line() {
    if (!format_.indent) return;
    runtime_.take(format_.indent->size() * level_ + 1);
    text_ += '\n';
    for (std::size_t i = 0; i < level_; ++i) text_ += *format_.indent;
  }

  void separate(bool first) {
    runtime_.take(format_.between.size());
    if (!first) text_ += format_.between;
    new_line();
  }

  void list(const std::vector<Value>& items) {
    text_ += '[';
    ++level_;
    for (std::size_t i = 0; i < items.size(); ++i) {
      separate(i == 0);
      write(items[i]);
    }
    --level_;
    if (!items.empty()) new_line();
    text_ += ']';
  }

  void dict(const Dict& dict) {
    std::vector<const Dict::Entry*> entries;
    runtime_.take(dict.size() * sizeof(entries[0]));
    for (const Dict::Entry& entry : dict.entries()) entries.push_back(&entry);
    if (format_.sort_keys) {
      for (const Dict::Entry* entry : entries)
        runtime_.step(20 + (entry->key.is(Kind::string) ? entry->key.text().size() / 4 : 0));
      std::stable_sort(entries.begin(), entries.end(), [](const Dict::Entry* left, const Dict::Entry* right) {
        if (!left->key.is(Kind::string) || !right->key.is(Kind::string))
          throw Error("tojson can't sort keys that aren't strings");
        return left->key.text() < right->key.text();
      });
    }
    text_ += '{';
    ++level_;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      separate(i == 0);
      key(entries[i]->key);
      text_ += format_.after_key;
      write(entries[i]->value);
    }
    --level_;
    if (!entries.empty()) new_line();
    text_ += '}';
  }

  void key(const Value& key) {
    if (key.is(Kind::string)) return string(key.text());
    if (key.is(Kind::list)) throw Error("tojson can't write a tuple as a key");
    text_ += '"';
    write(key);
    text_ += '"';
  }

  Runtime& runtime_;
  const JsonFormat& format_;
  std::string text_;
  std::size_t level_ = 0;
};

}  // namespace

std::string to_json(Runtime& runtime, const Value& value, const JsonFormat& format) {
  Writer writer(runtime, format);
  writer.write(value);
  return writer.text();
}

}  // namespace covey::jinja
