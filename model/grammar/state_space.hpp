// What an automaton can stand on after a text: sets of places with their stacks, each set known by one number.
//
//   stack    a list of nodes to return to, shared: a stack is a number, (node, number of the rest); 0 is empty
//   place    (node that reads a byte, or the end of the root; stack)
//   state    a set of places. 0 is the empty set: the text is none of the grammar's
//
// States are made when they are first met, and remember where each byte leads, so that a text which has been met costs
// one look for each byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "model/grammar/automaton.hpp"

namespace covey::grammar {

using StateId = std::uint32_t;
inline constexpr StateId kNoState = 0;

/// Not for many threads at once.
class StateSpace {
 public:
  /// `most_bytes`: memory beyond which it counts as full. Throws Error if the grammar can begin in too many ways.
  explicit StateSpace(std::shared_ptr<const Automaton> automaton, std::size_t most_bytes = kMostMemory);

  StateId start() const { return start_; }
  /// Throws Error if the text can be understood in too many ways.
  StateId next(StateId state, std::uint8_t byte) {
    const StateId known = next_[row(state) + automaton_->byte_class(byte)];
    return known != kUnknown ? known : find_next(state, byte);
  }
  /// Whether the text may end.
  bool may_end(StateId state) const { return !places(state).empty() && places(state).front() == kEnd; }
  /// Whether it may only end.
  bool must_end(StateId state) const { return may_end(state) && places(state).size() == 1; }

  /// The number here of a state of another space of the same automaton.
  StateId adopt(const StateSpace& other, StateId state);

  /// So many that it is better to begin anew, adopting what is in use.
  bool full() const { return memory() > most_bytes_; }
  std::size_t size() const { return first_.size() - 1; }
  const std::shared_ptr<const Automaton>& automaton() const { return automaton_; }

 private:
  using StackId = std::uint32_t;
  struct Stack {
    NodeId back;
    StackId rest;
  };
  using Place = std::uint64_t;      // node << 32 | stack
  static constexpr Place kEnd = 0;  // kReturn with nothing to return to
  static constexpr StateId kUnknown = 0xFFFFFFFF;
  static constexpr std::size_t kMostMemory = std::size_t{128} << 20U;

  static Place place(NodeId node, StackId stack) { return Place{node} << 32U | stack; }
  std::span<const Place> places(StateId state) const {
    return {places_.data() + first_[state], first_[state + 1] - first_[state]};
  }
  std::size_t row(StateId state) const { return std::size_t{state} * automaton_->class_count(); }
  std::size_t memory() const {
    return places_.size() * sizeof(Place) + next_.size() * sizeof(StateId) + first_.size() * 64 + stacks_.size() * 64;
  }

  StateId find_next(StateId state, std::uint8_t byte);
  void begin_step();
  void reach(Place from);
  StackId push(NodeId back, StackId rest);
  StateId intern_found();

  std::shared_ptr<const Automaton> automaton_;
  std::size_t most_bytes_;
  StateId start_ = kNoState;
  std::vector<Stack> stacks_;
  std::unordered_map<std::uint64_t, StackId> stack_ids_;
  std::vector<Place> places_;                             // of all states, one after the other
  std::vector<std::size_t> first_;                        // (states + 1), in places_
  std::vector<StateId> next_;                             // (states, byte classes)
  std::unordered_multimap<std::size_t, StateId> states_;  // by the hash of their places
  std::vector<Place> found_, to_visit_;                   // of one step
  std::unordered_set<Place> visited_;                     // of one step
};

}  // namespace covey::grammar
