#include "model/grammar/automaton.hpp"

#include <map>
#include <string>
#include <tuple>

#include "covey/error.hpp"
#include "model/grammar/utf8_ranges.hpp"

namespace covey::grammar {
namespace {

constexpr std::size_t kMostNodes = 1'000'000;  // edges and targets count too

}  // namespace

/// Builds from the end to the beginning: each part is given the node where the text goes on after it. So a call at the
/// end of a rule is seen to be one, and needs no place on the stack.
class AutomatonBuilder {
 public:
  AutomatonBuilder(Automaton& automaton, const Rules& rules) : to_(automaton) {
    to_.nodes_.push_back({Automaton::Kind::rule_end, 0, 0});
    to_.starts_.resize(rules.rules.size());
    for (std::size_t i = 0; i < rules.rules.size(); ++i) to_.starts_[i] = build(rules.rules[i].body, kReturn);
    to_.start_ = to_.starts_[rules.root];
  }

 private:
  using Kind = Expression::Kind;

  NodeId build(const Expression& expression, NodeId next) {
    switch (expression.kind) {
      case Kind::characters:
        return characters(expression.set, next);
      case Kind::literal:
        for (std::size_t i = expression.text.size(); i-- > 0;) {
          const auto byte = static_cast<std::uint8_t>(expression.text[i]);
          next = bytes({{byte, byte, next}});
        }
        return next;
      case Kind::sequence:
        for (std::size_t i = expression.parts.size(); i-- > 0;) next = build(expression.parts[i], next);
        return next;
      case Kind::choice: {
        std::vector<NodeId> targets;
        targets.reserve(expression.parts.size());
        for (const Expression& part : expression.parts) targets.push_back(build(part, next));
        return split(targets);
      }
      case Kind::repeat:
        return repeat(expression, next);
      case Kind::rule:
        return call(expression.rule, next);
    }
    return next;
  }

  NodeId repeat(const Expression& expression, NodeId next) {
    const Expression& part = expression.parts[0];
    const bool endless = expression.most == kNoEnd;
    const std::uint32_t copies = endless ? (expression.least > 1 ? expression.least : 1) : expression.most;
    // What is copied often is better called.
    const bool called = copies > 1 && part.kind != Kind::rule;
    std::uint32_t callee = 0;
    if (called) {
      callee = static_cast<std::uint32_t>(to_.starts_.size());
      to_.starts_.push_back(kReturn);
      to_.starts_[callee] = build(part, kReturn);
    }
    const auto copy = [&](NodeId after) { return called ? call(callee, after) : build(part, after); };

    if (endless) {
      const NodeId loop = split({kReturn, next});
      const NodeId body = copy(loop);
      to_.targets_[to_.nodes_[loop].first] = body;
      NodeId at = expression.least == 0 ? loop : body;
      for (std::uint32_t i = 1; i < expression.least; ++i) at = copy(at);
      return at;
    }
    NodeId at = next;
    for (std::uint32_t i = expression.most; i-- > expression.least;) at = split({copy(at), next});
    for (std::uint32_t i = 0; i < expression.least; ++i) at = copy(at);
    return at;
  }

  /// Characters of several bytes share the nodes of their ends.
  NodeId characters(const CodeSet& set, NodeId next) {
    std::map<std::tuple<std::uint8_t, std::uint8_t, NodeId>, NodeId> ends;
    std::vector<Edge> first;
    for (const ByteSequence& sequence : utf8_sequences(set)) {
      NodeId at = next;
      for (int i = sequence.length - 1; i > 0; --i) {
        const ByteRange range = sequence.ranges[static_cast<std::size_t>(i)];
        const auto [end, added] = ends.try_emplace({range.first, range.last, at}, 0);
        if (added) end->second = bytes({{range.first, range.last, at}});
        at = end->second;
      }
      first.push_back({sequence.ranges[0].first, sequence.ranges[0].last, at});
    }
    return bytes(first);
  }

  NodeId bytes(const std::vector<Edge>& edges) {
    const NodeId node = add(Automaton::Kind::bytes, to_.edges_.size(), edges.size());
    to_.edges_.insert(to_.edges_.end(), edges.begin(), edges.end());
    return node;
  }
  NodeId split(const std::vector<NodeId>& targets) {
    const NodeId node = add(Automaton::Kind::split, to_.targets_.size(), targets.size());
    to_.targets_.insert(to_.targets_.end(), targets.begin(), targets.end());
    return node;
  }
  NodeId call(std::uint32_t callee, NodeId next) { return add(Automaton::Kind::call, callee, next); }

  NodeId add(Automaton::Kind kind, std::size_t first, std::size_t count_or_back) {
    if (to_.nodes_.size() + to_.edges_.size() + to_.targets_.size() >= kMostNodes) {
      throw Error("the grammar is too large, with its repetitions written out: lower the counts of {m,n} or of " +
                  std::string("minLength, maxLength, minItems, maxItems"));
    }
    to_.nodes_.push_back({kind, static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(count_or_back)});
    return static_cast<NodeId>(to_.nodes_.size() - 1);
  }

  Automaton& to_;
};

Automaton::Automaton(const Rules& rules) {
  const AutomatonBuilder build(*this, rules);
  classify_bytes();
}

void Automaton::classify_bytes() {
  std::array<bool, 257> begins{};
  for (const Edge& edge : edges_) {
    begins[edge.first] = true;
    begins[edge.last + 1U] = true;
  }
  class_count_ = 0;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    if (byte == 0 || begins[byte]) representatives_[class_count_++] = static_cast<std::uint8_t>(byte);
    classes_[byte] = static_cast<std::uint8_t>(class_count_ - 1);
  }
}

}  // namespace covey::grammar
