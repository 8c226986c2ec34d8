// A grammar as an automaton over bytes with a stack: nodes joined by bytes, and calls of rules.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "model/grammar/expression.hpp"

namespace covey::grammar {

using NodeId = std::uint32_t;

/// Where a rule ends: on goes what called it.
inline constexpr NodeId kReturn = 0;

struct Edge {
  std::uint8_t first, last;  ///< bytes, both included
  NodeId target;
};

/// Immutable; safe to use from many threads.
class Automaton {
 public:
  enum class Kind : std::uint8_t { rule_end, bytes, split, call };

  /// The rules must have no fault. Throws Error if they become too many nodes.
  explicit Automaton(const Rules& rules);

  NodeId start() const { return start_; }
  Kind kind(NodeId node) const { return nodes_[node].kind; }
  /// kind bytes
  std::span<const Edge> edges(NodeId node) const {
    return {edges_.data() + nodes_[node].first, nodes_[node].count_or_back};
  }
  /// kind split: the text goes on at any of these.
  std::span<const NodeId> targets(NodeId node) const {
    return {targets_.data() + nodes_[node].first, nodes_[node].count_or_back};
  }
  /// kind call: where the called rule starts, and where the text goes on after it.
  NodeId callee(NodeId node) const { return starts_[nodes_[node].first]; }
  NodeId back(NodeId node) const { return nodes_[node].count_or_back; }

  /// Bytes that no edge tells apart are of one class.
  std::uint8_t byte_class(std::uint8_t byte) const { return classes_[byte]; }
  std::uint32_t class_count() const { return class_count_; }
  std::uint8_t byte_of_class(std::uint32_t byte_class) const { return representatives_[byte_class]; }

 private:
  friend class AutomatonBuilder;
  struct Node {
    Kind kind;
    std::uint32_t first;          // of edges_, of targets_, of starts_
    std::uint32_t count_or_back;  // kind call: a node
  };
  void classify_bytes();

  std::vector<Node> nodes_;
  std::vector<Edge> edges_;
  std::vector<NodeId> targets_;
  std::vector<NodeId> starts_;  // of rules, and of parts that are repeated
  NodeId start_ = kReturn;
  std::array<std::uint8_t, 256> classes_{};
  std::array<std::uint8_t, 256> representatives_{};
  std::uint32_t class_count_ = 0;
};

}  // namespace covey::grammar
