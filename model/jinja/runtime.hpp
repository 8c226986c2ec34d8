// What one rendering may use, and has used.
#pragma once

#include <cstddef>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/jinja/dict.hpp"
#include "model/jinja/object.hpp"
#include "model/jinja/value.hpp"

namespace covey::jinja {

/// Bounds of one rendering. Templates come out of files that strangers made: whatever they say, rendering ends.
struct Limits {
  std::size_t steps = 10'000'000;             ///< expressions and statements evaluated; long texts count for more
  std::size_t bytes = std::size_t{1} << 28;   ///< of all values that came into being
  std::size_t output = std::size_t{1} << 25;  ///< bytes of the result
  int depth = 800;                            ///< of statements, expressions and macros inside each other
};

/// Local time, for strftime_now.
using Clock = std::function<std::tm()>;

/// The largest number of items that range() gives, as in Jinja's sandbox.
inline constexpr std::size_t kMaxRange = 100'000;

/// Something that may be part of a cycle, and lets go of what it holds when the rendering ends.
class Releasable {
 public:
  virtual ~Releasable() = default;
  virtual void release() = 0;
};

class Runtime {
 public:
  Runtime(const Limits& limits, const Clock& clock) : limits_(limits), clock_(clock) {}
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // These throw Error where a limit is passed.
  void step(std::size_t count = 1);
  /// Looking through, or copying, so many bytes.
  void work(std::size_t bytes) { step(1 + bytes / 64); }
  /// Looking for `key` in a dictionary.
  void look_up(const Value& key) { work(key.is(Kind::string) ? 2 * key.text().size() : 0); }
  /// Call it before memory is taken.
  void take(std::size_t bytes);
  void check_output(std::size_t bytes) const;

  // Values that are accounted for.
  Value string(std::string text);
  Value list(std::vector<Value> items, ListKind kind = ListKind::list);
  Value dict(Dict dict);

  std::tm now() const;
  void release_at_end(std::shared_ptr<Releasable> object);

  /// The line that is being evaluated.
  int line = 1;

  /// One more level, for as long as the object lives. Throws Error past the limit.
  class Level {
   public:
    explicit Level(Runtime& runtime);
    ~Level() { --runtime_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Runtime& runtime_;
  };

 private:
  const Limits limits_;
  const Clock& clock_;
  std::size_t steps_ = 0, bytes_ = 0;
  int depth_ = 0;
  std::vector<std::shared_ptr<Releasable>> releasable_;
};

}  // namespace covey::jinja
