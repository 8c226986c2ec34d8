#include "model/grammar/gbnf.hpp"

#include <unordered_map>
#include <utility>
#include <vector>

#include "covey/error.hpp"
#include "model/grammar/gbnf_scanner.hpp"
#include "third_party_free_formats/utf8.hpp"

namespace covey::grammar {
namespace {

constexpr std::size_t kMostText = std::size_t{1} << 20U;
constexpr std::size_t kMostRules = 16384;
constexpr int kMostGroups = 64;      // one in the other
constexpr int kMostRepeatSigns = 3;  // after one item

class GbnfParser {
 public:
  GbnfParser(std::string_view text, const std::string& name) : scan_(text, name) {}

  Rules run() {
    for (scan_.skip_space(); !scan_.at_end(); scan_.skip_space()) rule();
    const auto root = ids_.find("root");
    if (root == ids_.end()) {
      scan_.fail(0, "there is no rule 'root': write root ::= … for what the whole text has to be");
    }
    rules_.root = root->second;
    for (const Rule& rule : rules_.rules) {
      if (rule.defined) continue;
      scan_.fail(rule.place,
                 "rule '" + rule.name + "' is not defined: write " + rule.name + " ::= …, or correct the name");
    }
    const Fault fault = find_fault(rules_);
    if (!fault.what.empty()) scan_.fail(rules_.rules[fault.rule].place, fault.what);
    return std::move(rules_);
  }

 private:
  void rule() {
    const std::size_t begin = scan_.place();
    if (!scan_.at_definition()) scan_.fail("a rule is expected here: name ::= …");
    const std::uint32_t id = id_of(scan_.name(), begin);
    if (rules_.rules[id].defined) scan_.fail(begin, "rule '" + rules_.rules[id].name + "' is defined twice");
    scan_.skip_space();
    scan_.take("::=");
    Expression body = alternatives();
    scan_.skip_space();
    if (!scan_.at_end() && !scan_.at_definition()) {
      scan_.fail(scan_.peek() == ')'
                     ? "this ')' closes nothing"
                     : "a literal \"…\", a class […], '.', a name, a group (…) or '|' is expected here");
    }
    Rule& made = rules_.rules[id];
    made.body = std::move(body);
    made.defined = true;
    made.place = begin;
  }

  std::uint32_t id_of(const std::string& name, std::size_t place) {
    const auto [known, added] = ids_.try_emplace(name, static_cast<std::uint32_t>(rules_.rules.size()));
    if (added) {
      if (rules_.rules.size() == kMostRules) scan_.fail(place, "too many rules: at most " + std::to_string(kMostRules));
      rules_.rules.push_back({name, {}, false, place});
    }
    return known->second;
  }

  Expression alternatives() {
    std::vector<Expression> parts;
    do {
      parts.push_back(items());
    } while (scan_.take('|'));
    return choice(std::move(parts));
  }

  Expression items() {
    std::vector<Expression> parts;
    for (scan_.skip_space(); at_item(); scan_.skip_space()) parts.push_back(repetitions(item()));
    return sequence(std::move(parts));
  }

  bool at_item() const {
    const char c = scan_.peek();
    return c == '"' || c == '[' || c == '.' || c == '(' || (scan_.at_name() && !scan_.at_definition());
  }

  Expression item() {
    const std::size_t begin = scan_.place();
    if (scan_.take('"')) return in_quotes();
    if (scan_.take('[')) return char_class(begin);
    if (scan_.take('.')) return characters(all_codes());
    if (scan_.take('(')) {
      if (++groups_ > kMostGroups) scan_.fail(begin, "groups nest too deep: give the inner ones rules of their own");
      Expression group = alternatives();
      scan_.skip_space();
      if (!scan_.take(')')) scan_.fail(begin, "this '(' is not closed, up to here is no ')'");
      --groups_;
      return group;
    }
    const std::string name = scan_.name();
    return rule_reference(id_of(name, begin));
  }

  Expression in_quotes() {
    std::string text;
    while (!scan_.take('"')) {
      if (scan_.peek() == '\n') scan_.fail("a literal ends on its line: close it with \", or write \\n");
      append_utf8(text, scan_.character());
    }
    return literal(std::move(text));
  }

  Expression char_class(std::size_t begin) {
    const bool inverted = scan_.take('^');
    std::vector<CodeSet::Range> ranges;
    while (!scan_.take(']')) {
      const std::size_t place = scan_.place();
      const char32_t first = scan_.character();
      char32_t last = first;
      if (scan_.take('-')) {
        if (scan_.peek() == ']') {
          ranges.push_back({U'-', U'-'});
        } else {
          last = scan_.character();
        }
      }
      if (last < first) scan_.fail(place, "the range ends before it begins");
      ranges.push_back({first, last});
    }
    CodeSet set(ranges);
    if (inverted) set = set.inverted();
    if (set.empty()) scan_.fail(begin, "no character is of this class");
    return characters(std::move(set));
  }

  Expression repetitions(Expression part) {
    for (int signs = 0;; ++signs) {
      scan_.skip_space();
      const std::size_t begin = scan_.place();
      std::pair<std::uint32_t, std::uint32_t> times;
      if (scan_.take('*')) {
        times = {0, kNoEnd};
      } else if (scan_.take('+')) {
        times = {1, kNoEnd};
      } else if (scan_.take('?')) {
        times = {0, 1};
      } else if (scan_.take('{')) {
        times = counts();
      } else {
        return part;
      }
      if (signs == kMostRepeatSigns) scan_.fail(begin, "too many signs of repetition after one item");
      if (times.second < times.first) scan_.fail(begin, "the repetition ends before it begins");
      part = repeat(std::move(part), times.first, times.second);
    }
  }

  /// Behind '{'.
  std::pair<std::uint32_t, std::uint32_t> counts() {
    const auto spaces = [this] {
      while (scan_.take(' ')) {
      }
    };
    spaces();
    const std::uint32_t least = scan_.number();
    std::uint32_t most = least;
    spaces();
    if (scan_.take(',')) {
      spaces();
      most = scan_.peek() == '}' ? kNoEnd : scan_.number();
      spaces();
    }
    if (!scan_.take('}')) scan_.fail("'}' is missing: write {3}, {3,} or {3,5}");
    return {least, most};
  }

  GbnfScanner scan_;
  Rules rules_;
  std::unordered_map<std::string, std::uint32_t> ids_;
  int groups_ = 0;
};

}  // namespace

Rules parse_gbnf(std::string_view text, const std::string& name) {
  if (text.size() > kMostText) throw Error(name + ": a grammar has at most 1 MiB, not " + std::to_string(text.size()));
  return GbnfParser(text, name).run();
}

}  // namespace covey::grammar
