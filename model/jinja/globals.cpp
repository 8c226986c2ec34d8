#include "model/jinja/globals.hpp"

#include <array>
#include <ctime>
#include <map>
#include <memory>

#include "model/jinja/arguments.hpp"
#include "model/jinja/operators.hpp"
#include "model/jinja/template_error.hpp"
#include "model/jinja/text_form.hpp"

namespace covey::jinja {
namespace {

using Native = Value (*)(Runtime& runtime, const Arguments& arguments);

class Function : public Object {
 public:
  explicit Function(Native body) : body_(body) {}
  std::string_view type_name() const override { return "function"; }
  bool callable() const override { return true; }
  Value call(Runtime& runtime, const Arguments& arguments) override { return body_(runtime, arguments); }

 private:
  Native body_;
};

template <class T, class... Arguments>
Value object(Runtime& runtime, Arguments... arguments) {
  runtime.take(sizeof(T));
  return Value(std::static_pointer_cast<Object>(std::make_shared<T>(std::move(arguments)...)));
}

/// Entries of the dictionary or of the pairs that come first, then the named arguments.
Dict entries(Runtime& runtime, std::string_view function, const Arguments& arguments) {
  const BoundArguments given(function, {arguments.positional, {}}, {"entries"});
  Dict dict;
  if (given[0].is(Kind::dict)) {
    runtime.take(given[0].dict().size() * sizeof(Dict::Entry));
    dict = given[0].dict();
  } else if (!given[0].is(Kind::undefined)) {
    for (const Value& pair : iterate(runtime, given[0])) {
      const std::vector<Value> both = iterate(runtime, pair);
      if (both.size() != 2) throw Error(std::string(function) + " needs pairs of a key and a value");
      runtime.take(sizeof(Dict::Entry));
      runtime.look_up(both[0]);
      dict.set(both[0], both[1]);
    }
  }
  for (const auto& [name, value] : arguments.named) dict.set(Value(name), value);
  return dict;
}

/// The only thing that a template can change.
class Namespace : public Object, public Releasable {
 public:
  explicit Namespace(const Dict& entries) {
    for (const Dict::Entry& entry : entries.entries()) {
      if (!entry.key.is(Kind::string)) throw Error("attributes of a namespace must be strings");
      values_.insert_or_assign(entry.key.text(), entry.value);
    }
  }
  std::string_view type_name() const override { return "Namespace"; }
  std::optional<Value> attribute(Runtime&, std::string_view name) const override {
    const auto at = values_.find(name);
    return at == values_.end() ? std::nullopt : std::optional(at->second);
  }
  bool set_attribute(Runtime& runtime, std::string_view name, const Value& value) override {
    runtime.take(sizeof(Value) + name.size());
    values_.insert_or_assign(std::string(name), value);
    return true;
  }
  void release() override { values_.clear(); }

 private:
  std::map<std::string, Value, std::less<>> values_;
};

/// cycler("a", "b"): next() gives one after the other.
class Cycler : public Object, public std::enable_shared_from_this<Cycler> {
 public:
  explicit Cycler(Value items) : items_(std::move(items)) {}
  std::string_view type_name() const override { return "Cycler"; }
  std::optional<Value> attribute(Runtime& runtime, std::string_view name) const override;
  const Value& current() const { return items_.items()[place_]; }
  void move_to(std::size_t place) { place_ = place % items_.items().size(); }
  std::size_t place() const { return place_; }
  int depth() const override { return items_.depth() + 1; }

 private:
  Value items_;
  std::size_t place_ = 0;
};

class CyclerMethod : public Object {
 public:
  CyclerMethod(std::shared_ptr<Cycler> cycler, bool resets) : cycler_(std::move(cycler)), resets_(resets) {}
  std::string_view type_name() const override { return "method"; }
  bool callable() const override { return true; }
  Value call(Runtime&, const Arguments&) override {
    const Value value = cycler_->current();
    cycler_->move_to(resets_ ? 0 : cycler_->place() + 1);
    return resets_ ? Value(None{}) : value;
  }
  int depth() const override { return cycler_->depth() + 1; }

 private:
  std::shared_ptr<Cycler> cycler_;
  bool resets_;
};

std::optional<Value> Cycler::attribute(Runtime& runtime, std::string_view name) const {
  if (name == "current") return current();
  if (name != "next" && name != "reset") return std::nullopt;
  return object<CyclerMethod>(runtime, std::const_pointer_cast<Cycler>(shared_from_this()), name == "reset");
}

/// joiner(", "): empty on the first call, the separator from then on.
class Joiner : public Object {
 public:
  explicit Joiner(Value separator) : separator_(std::move(separator)) {}
  std::string_view type_name() const override { return "Joiner"; }
  bool callable() const override { return true; }
  Value call(Runtime&, const Arguments&) override { return std::exchange(used_, true) ? separator_ : Value(""); }
  int depth() const override { return separator_.depth() + 1; }

 private:
  Value separator_;
  bool used_ = false;
};

Value range(Runtime& runtime, const Arguments& arguments) {
  const BoundArguments given("range", {arguments.positional, {}}, {"start", "stop", "step"}, 1);
  const bool alone = !given.has(1);
  const std::int64_t begin = alone ? 0 : given.integer(0, 0), end = given.integer(alone ? 0 : 1, 0);
  const std::int64_t step = given.integer(2, 1);
  if (step == 0) throw Error("the step of range can't be 0");
  std::vector<Value> items;
  for (std::int64_t at = begin; step > 0 ? at < end : at > end;) {
    if (items.size() == kMaxRange) throw Error("range gives at most " + std::to_string(kMaxRange) + " numbers");
    items.emplace_back(at);
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  return runtime.list(std::move(items), ListKind::range);
}

Value make_dict(Runtime& runtime, const Arguments& arguments) {
  return runtime.dict(entries(runtime, "dict", arguments));
}

Value make_namespace(Runtime& runtime, const Arguments& arguments) {
  runtime.take(sizeof(Namespace));
  const auto made = std::make_shared<Namespace>(entries(runtime, "namespace", arguments));
  runtime.release_at_end(made);
  return Value(std::static_pointer_cast<Object>(made));
}

Value make_cycler(Runtime& runtime, const Arguments& arguments) {
  if (arguments.positional.empty()) throw Error("cycler needs at least one item");
  return object<Cycler>(runtime, runtime.list(arguments.positional));
}

Value make_joiner(Runtime& runtime, const Arguments& arguments) {
  const BoundArguments given("joiner", arguments, {"sep"});
  return object<Joiner>(runtime, given.has(0) ? given[0] : Value(", "));
}

Value raise_exception(Runtime& runtime, const Arguments& arguments) {
  const BoundArguments given("raise_exception", arguments, {"message"}, 1);
  throw TemplateRefusal(runtime.line, to_text(runtime, given[0]));
}

/// One conversion of strftime at a time, so that no length or letter surprises the C library. Local time has no zone
/// here, as with Python's datetime.now().
Value strftime_now(Runtime& runtime, const Arguments& arguments) {
  static constexpr std::string_view kKnown = "aAbBcCdDeFGghHIjklmMnpPrRsStTuUVwWxXyY";
  const BoundArguments given("strftime_now", arguments, {"format"}, 1);
  const std::tm now = runtime.now();
  const std::string_view format = given.text(0);
  runtime.work(format.size() * 64);
  std::string text;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      text += format[i];
      continue;
    }
    std::string conversion = "%";
    if (i + 1 < format.size() && format[i + 1] == '-') conversion += format[++i];
    const char letter = i + 1 < format.size() ? format[++i] : '\0';
    if (letter == '%') {
      text += '%';
    } else if (letter == 'f') {
      text += "000000";
    } else if (letter != '\0' && kKnown.find(letter) != std::string_view::npos) {
      std::array<char, 128> buffer;
      text.append(buffer.data(), std::strftime(buffer.data(), buffer.size(), (conversion + letter).c_str(), &now));
    } else if (letter != 'z' && letter != 'Z') {
      throw Error("strftime_now doesn't know the conversion '" + conversion + std::string(letter ? 1 : 0, letter) +
                  "'");
    }
  }
  return runtime.string(std::move(text));
}

}  // namespace

void define_globals(Scope& scope) {
  static constexpr std::pair<const char*, Native> kFunctions[] = {{"range", range},
                                                                  {"dict", make_dict},
                                                                  {"namespace", make_namespace},
                                                                  {"cycler", make_cycler},
                                                                  {"joiner", make_joiner},
                                                                  {"raise_exception", raise_exception},
                                                                  {"strftime_now", strftime_now}};
  for (const auto& [name, body] : kFunctions)
    scope.set(name, Value(std::static_pointer_cast<Object>(std::make_shared<Function>(body))));
}

}  // namespace covey::jinja
