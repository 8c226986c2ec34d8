#include "model/jinja/runtime.hpp"

#include <chrono>

#include "covey/error.hpp"

namespace covey::jinja {
namespace {

[[noreturn]] void passed(std::string_view what, std::size_t limit) {
  throw Error("the template takes more than " + std::to_string(limit) + " " + std::string(what) +
              ", which no chat template needs");
}

}  // namespace

Runtime::~Runtime() {
  for (const auto& object : releasable_) object->release();
}

void Runtime::step(std::size_t count) {
  if (count > limits_.steps - steps_) passed("steps", limits_.steps);
  steps_ += count;
}

void Runtime::take(std::size_t bytes) {
  if (bytes > limits_.bytes - bytes_) passed("bytes of memory", limits_.bytes);
  bytes_ += bytes;
  work(bytes);
}

void Runtime::check_output(std::size_t bytes) const {
  if (bytes > limits_.output) passed("bytes of output", limits_.output);
}

Value Runtime::string(std::string text) {
  take(sizeof(std::string) + text.size());
  return Value(std::move(text));
}

Value Runtime::list(std::vector<Value> items, ListKind kind) {
  take(sizeof(List) + items.size() * sizeof(Value));
  return Value(std::move(items), kind);
}

Value Runtime::dict(Dict dict) {
  take(sizeof(Dict) + dict.size() * (sizeof(Dict::Entry) + 2 * sizeof(std::string)));
  return Value(std::move(dict));
}

std::tm Runtime::now() const {
  if (clock_) return clock_();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm local{};
  localtime_r(&seconds, &local);
  return local;
}

void Runtime::release_at_end(std::shared_ptr<Releasable> object) {
  take(2 * sizeof(object));
  releasable_.push_back(std::move(object));
}

Runtime::Level::Level(Runtime& runtime) : runtime_(runtime) {
  if (++runtime_.depth_ > runtime_.limits_.depth) {
    --runtime_.depth_;
    throw Error("macros, loops and expressions nest deeper than " + std::to_string(runtime_.limits_.depth) + " levels");
  }
}

}  // namespace covey::jinja
