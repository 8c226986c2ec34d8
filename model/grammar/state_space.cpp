#include "model/grammar/state_space.hpp"

#include <algorithm>

#include "covey/error.hpp"

namespace covey::grammar {
namespace {

constexpr std::size_t kMostPlaces = 1U << 14U;  // of one state

std::size_t hash_of(std::span<const std::uint64_t> places) {
  std::uint64_t hash = 0x9E3779B97F4A7C15U;
  for (const std::uint64_t place : places) {
    hash = (hash ^ place) * 0xD6E8FEB86659FD93U;
    hash ^= hash >> 32U;
  }
  return static_cast<std::size_t>(hash);
}

[[noreturn]] void too_ambiguous() {
  throw Error("the grammar can be read in too many ways at once: let fewer of its alternatives begin alike");
}

}  // namespace

StateSpace::StateSpace(std::shared_ptr<const Automaton> automaton, std::size_t most_bytes)
    : automaton_(std::move(automaton)), most_bytes_(most_bytes) {
  stacks_.push_back({kReturn, 0});
  first_ = {0};
  intern_found();  // the empty set: kNoState
  std::fill(next_.begin(), next_.end(), kNoState);
  reach(place(automaton_->start(), 0));
  start_ = intern_found();
}

StateSpace::StackId StateSpace::push(NodeId back, StackId rest) {
  const auto [stack, added] =
      stack_ids_.try_emplace(std::uint64_t{back} << 32U | rest, static_cast<StackId>(stacks_.size()));
  if (added) stacks_.push_back({back, rest});
  return stack->second;
}

/// A step before may have ended in an exception.
void StateSpace::begin_step() {
  found_.clear();
  to_visit_.clear();
  visited_.clear();
}

/// Adds the places that read a byte, or end the text, which `from` leads to without one to found_.
void StateSpace::reach(Place from) {
  to_visit_.push_back(from);
  while (!to_visit_.empty()) {
    const Place at = to_visit_.back();
    to_visit_.pop_back();
    const auto node = static_cast<NodeId>(at >> 32U);
    const auto stack = static_cast<StackId>(at);
    const Automaton::Kind kind = automaton_->kind(node);
    if (kind == Automaton::Kind::bytes || at == kEnd) {
      found_.push_back(at);
      if (found_.size() > 4 * kMostPlaces) too_ambiguous();
      continue;
    }
    if (kind == Automaton::Kind::split) {
      // Every circle without a byte passes a split.
      if (!visited_.insert(at).second) continue;
      if (visited_.size() > 4 * kMostPlaces) too_ambiguous();
      for (const NodeId target : automaton_->targets(node)) to_visit_.push_back(place(target, stack));
    } else if (kind == Automaton::Kind::call) {
      const NodeId back = automaton_->back(node);
      to_visit_.push_back(place(automaton_->callee(node), back == kReturn ? stack : push(back, stack)));
    } else {
      to_visit_.push_back(place(stacks_[stack].back, stacks_[stack].rest));
    }
  }
}

/// The state of what is in found_, which is empty afterwards.
StateId StateSpace::intern_found() {
  std::ranges::sort(found_);
  found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
  if (found_.size() > kMostPlaces || memory() > kMostMemory) too_ambiguous();
  const std::size_t hash = hash_of(found_);
  const auto [begin, end] = states_.equal_range(hash);
  for (auto known = begin; known != end; ++known) {
    if (!std::ranges::equal(places(known->second), found_)) continue;
    found_.clear();
    return known->second;
  }
  const auto state = static_cast<StateId>(size());
  places_.insert(places_.end(), found_.begin(), found_.end());
  first_.push_back(places_.size());
  next_.resize(next_.size() + automaton_->class_count(), kUnknown);
  states_.emplace(hash, state);
  found_.clear();
  return state;
}

StateId StateSpace::find_next(StateId state, std::uint8_t byte) {
  begin_step();
  for (std::size_t i = first_[state]; i < first_[state + 1]; ++i) {
    const auto node = static_cast<NodeId>(places_[i] >> 32U);
    if (automaton_->kind(node) != Automaton::Kind::bytes) continue;
    for (const Edge& edge : automaton_->edges(node)) {
      if (byte >= edge.first && byte <= edge.last) reach(place(edge.target, static_cast<StackId>(places_[i])));
    }
  }
  const StateId next = intern_found();
  next_[row(state) + automaton_->byte_class(byte)] = next;
  return next;
}

StateId StateSpace::adopt(const StateSpace& other, StateId state) {
  begin_step();
  for (const Place from : other.places(state)) {
    std::vector<NodeId> backs;
    for (auto stack = static_cast<StackId>(from); stack != 0; stack = other.stacks_[stack].rest) {
      backs.push_back(other.stacks_[stack].back);
    }
    StackId stack = 0;
    for (std::size_t i = backs.size(); i-- > 0;) stack = push(backs[i], stack);
    found_.push_back(place(static_cast<NodeId>(from >> 32U), stack));
  }
  return intern_found();
}

}  // namespace covey::grammar
