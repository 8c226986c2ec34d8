#include "model/regex.hpp"

#include <array>
#include <optional>
#include <utility>

#include "covey/error.hpp"
#include "third_party_free_formats/utf8.hpp"

#ifdef COVEY_WITH_PCRE2
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#endif

namespace covey {

#ifdef COVEY_WITH_PCRE2

struct Regex::Code {
  pcre2_code* pcre2;

  explicit Code(pcre2_code* compiled) : pcre2(compiled) {}
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  ~Code() { pcre2_code_free(pcre2); }
};

namespace {

std::string message_of(int error) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(error, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

struct Match {
  std::size_t begin, end;
};

/// Matches one expression again and again, in the same memory.
class Matcher {
 public:
  explicit Matcher(const pcre2_code* code) : code_(code), found_(pcre2_match_data_create(2, nullptr)) {
    if (found_ == nullptr) throw Error("not enough memory to match a regular expression");
  }
  Matcher(const Matcher&) = delete;
  Matcher& operator=(const Matcher&) = delete;
  ~Matcher() { pcre2_match_data_free(found_); }

  /// The first match that begins at `from` or later. Throws Error.
  std::optional<Match> next(std::string_view text, std::size_t from) {
    int result = match(text, from, 0);
    // Compiled code has a small stack; the interpreter takes its memory from the heap.
    if (result == PCRE2_ERROR_JIT_STACKLIMIT) result = match(text, from, PCRE2_NO_JIT);
    if (result == PCRE2_ERROR_NOMATCH) return std::nullopt;
    has_group_ = result != 1;
    if (result < 0) throw Error(message_of(result));
    const PCRE2_SIZE* const ends = pcre2_get_ovector_pointer(found_);
    return Match{ends[0], ends[1]};
  }

  /// The first group of what next() found; nullopt if it took no part.
  std::optional<Match> group() const {
    const PCRE2_SIZE* const ends = pcre2_get_ovector_pointer(found_);
    if (!has_group_ || ends[2] == PCRE2_UNSET || ends[2] > ends[3]) return std::nullopt;
    return Match{ends[2], ends[3]};
  }

 private:
  int match(std::string_view text, std::size_t from, std::uint32_t options) {
    return pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                       options | PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, found_, nullptr);
  }

  const pcre2_code* code_;
  pcre2_match_data* found_;
  bool has_group_ = false;  // the last match set more than its own place
};

std::optional<Match> next_match(Matcher& matcher, const std::string& expression, std::string_view text,
                                std::size_t from) {
  try {
    return matcher.next(text, from);
  } catch (const Error& error) {
    throw Error("matching the regular expression " + expression + " in a text of " + std::to_string(text.size()) +
                " bytes failed: " + error.what());
  }
}

}  // namespace

bool Regex::available() { return true; }

Regex::Regex(std::string_view expression) : expression_(expression) {
  int error = 0;
  PCRE2_SIZE at = 0;
  pcre2_code* const code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(),
                                         PCRE2_UTF | PCRE2_UCP, &error, &at, nullptr);
  if (code == nullptr) {
    throw Error("the regular expression " + expression_ + " is wrong at " + std::to_string(at) + ": " +
                message_of(error));
  }
  code_ = std::make_unique<Code>(code);
  // Where the system forbids compiling at run time the interpreter serves, more slowly.
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
}

void Regex::cut(const std::vector<std::string_view>& texts, std::vector<std::string_view>& pieces) const {
  Matcher matcher(code_->pcre2);
  for (const std::string_view text : texts) {
    std::size_t done = 0;
    while (done < text.size() && utf8_step(text).state == Utf8State::complete) {
      const std::optional<Match> found = next_match(matcher, expression_, text, done);
      if (!found) break;
      if (found->begin > done) pieces.push_back(text.substr(done, found->begin - done));
      pieces.push_back(text.substr(found->begin, found->end - found->begin));
      done = found->end;
    }
    if (done < text.size()) pieces.push_back(text.substr(done));
  }
}

std::optional<std::string_view> Regex::last_match(std::string_view text) const {
  if (valid_utf8(text) != text) return std::nullopt;
  Matcher matcher(code_->pcre2);
  std::optional<std::string_view> last;
  std::size_t done = 0;
  while (const std::optional<Match> found = next_match(matcher, expression_, text, done)) {
    const Match shown = matcher.group().value_or(*found);
    last = text.substr(shown.begin, shown.end - shown.begin);
    if (found->end <= done) break;  // an expression that moves the beginning of its match
    done = found->end;
  }
  return last;
}

#else

struct Regex::Code {};

bool Regex::available() { return false; }

Regex::Regex(std::string_view expression) : expression_(expression) {
  throw Error(
      "this build of Covey has no regular expressions: install PCRE2 (libpcre2-dev) and configure with "
      "-DCOVEY_PCRE2=ON");
}

void Regex::cut(const std::vector<std::string_view>&, std::vector<std::string_view>&) const {}

std::optional<std::string_view> Regex::last_match(std::string_view) const { return std::nullopt; }

#endif

Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;

}  // namespace covey
