// Rules that no text can be made from: those that begin with themselves, those that never end.
#include <algorithm>
#include <string>
#include <vector>

#include "model/grammar/expression.hpp"

namespace covey::grammar {
namespace {

using Shape = Expression::Kind;

/// A property of rules that may follow from that of others: it holds where it has to.
class RuleProperty {
 public:
  enum class Which { may_be_empty, can_end };

  RuleProperty(const Rules& rules, Which which) : which_(which), holds_(rules.rules.size()) {
    std::vector<std::vector<std::uint32_t>> users(holds_.size());
    std::vector<std::uint32_t> to_visit(holds_.size());
    for (std::uint32_t rule = 0; rule < holds_.size(); ++rule) {
      add_users(rules.rules[rule].body, rule, users);
      to_visit[rule] = rule;
    }
    while (!to_visit.empty()) {
      const std::uint32_t rule = to_visit.back();
      to_visit.pop_back();
      if (holds_[rule] || !of(rules.rules[rule].body)) continue;
      holds_[rule] = true;
      to_visit.insert(to_visit.end(), users[rule].begin(), users[rule].end());
    }
  }

  bool of(std::uint32_t rule) const { return holds_[rule]; }
  bool of(const Expression& expression) const {
    const auto holds = [this](const Expression& part) { return of(part); };
    switch (expression.kind) {
      case Shape::characters:
        return which_ == Which::can_end && !expression.set.empty();
      case Shape::literal:
        return which_ == Which::can_end || expression.text.empty();
      case Shape::sequence:
        return std::ranges::all_of(expression.parts, holds);
      case Shape::choice:
        return std::ranges::any_of(expression.parts, holds);
      case Shape::repeat:
        return expression.least == 0 || of(expression.parts[0]);
      case Shape::rule:
        return holds_[expression.rule];
    }
    return false;
  }

 private:
  static void add_users(const Expression& expression, std::uint32_t user,
                        std::vector<std::vector<std::uint32_t>>& users) {
    if (expression.kind == Shape::rule) users[expression.rule].push_back(user);
    for (const Expression& part : expression.parts) add_users(part, user, users);
  }

  Which which_;
  std::vector<bool> holds_;
};

/// Adds the rules that a text of `expression` can begin with to `found`. False: the expression may be empty.
void add_first_rules(const Expression& expression, const RuleProperty& may_be_empty,
                     std::vector<std::uint32_t>& found) {
  switch (expression.kind) {
    case Shape::characters:
    case Shape::literal:
      return;
    case Shape::rule:
      found.push_back(expression.rule);
      return;
    case Shape::repeat:
      if (expression.most > 0) add_first_rules(expression.parts[0], may_be_empty, found);
      return;
    case Shape::choice:
      for (const Expression& part : expression.parts) add_first_rules(part, may_be_empty, found);
      return;
    case Shape::sequence:
      for (const Expression& part : expression.parts) {
        add_first_rules(part, may_be_empty, found);
        if (!may_be_empty.of(part)) return;
      }
      return;
  }
}

enum class Mark : std::uint8_t { unseen, on_path, done };

struct PathStep {
  std::uint32_t rule;
  std::vector<std::uint32_t> firsts;
  std::size_t next = 0;
};

std::vector<std::uint32_t> circle_from(std::uint32_t rule, const std::vector<PathStep>& path) {
  std::vector<std::uint32_t> circle;
  for (auto at = std::ranges::find(path, rule, &PathStep::rule); at != path.end(); ++at) circle.push_back(at->rule);
  return circle;
}

/// The rules of a circle, each beginning with the next; empty if there is none.
std::vector<std::uint32_t> find_circle(const Rules& rules, const RuleProperty& may_be_empty) {
  std::vector<Mark> marks(rules.rules.size(), Mark::unseen);
  std::vector<PathStep> path;
  const auto enter = [&](std::uint32_t rule) {
    marks[rule] = Mark::on_path;
    path.push_back({rule, {}, 0});
    add_first_rules(rules.rules[rule].body, may_be_empty, path.back().firsts);
  };
  for (std::uint32_t start = 0; start < rules.rules.size(); ++start) {
    if (marks[start] != Mark::unseen) continue;
    enter(start);
    while (!path.empty()) {
      PathStep& step = path.back();
      if (step.next == step.firsts.size()) {
        marks[step.rule] = Mark::done;
        path.pop_back();
        continue;
      }
      const std::uint32_t first = step.firsts[step.next++];
      if (marks[first] == Mark::unseen)
        enter(first);
      else if (marks[first] == Mark::on_path)
        return circle_from(first, path);
    }
  }
  return {};
}

}  // namespace

Fault find_fault(const Rules& rules) {
  const RuleProperty may_be_empty(rules, RuleProperty::Which::may_be_empty);
  const std::vector<std::uint32_t> circle = find_circle(rules, may_be_empty);
  if (!circle.empty()) {
    std::string what = "rule '" + rules.rules[circle.front()].name + "' begins with itself";
    constexpr std::size_t kMostNamed = 8;
    for (std::size_t i = 1; i < std::min(circle.size(), kMostNamed); ++i) {
      what += (i == 1 ? ", through '" : ", '") + rules.rules[circle[i]].name + "'";
    }
    return {circle.front(), what + ": let it begin with something else, or repeat with * or +"};
  }
  const RuleProperty can_end(rules, RuleProperty::Which::can_end);
  for (std::uint32_t rule = 0; rule < rules.rules.size(); ++rule) {
    if (can_end.of(rule)) continue;
    return {rule, "rule '" + rules.rules[rule].name +
                      "' never ends: each of its alternatives needs the rule again; give it one that does not"};
  }
  return {0, {}};
}

}  // namespace covey::grammar
