// A grammar as a tree: what the readers of grammar texts and of JSON schemas make, and the automaton is built from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "model/grammar/code_set.hpp"

namespace covey::grammar {

inline constexpr std::uint32_t kNoEnd = 0xFFFFFFFF;
inline constexpr std::uint32_t kMostRepetitions = 65536;

/// Who makes trees bounds how deep they nest: they are walked with the processor's stack.
struct Expression {
  enum class Kind : std::uint8_t {
    characters,  ///< one of `set`
    literal,     ///< `text`, UTF-8
    sequence,    ///< `parts` one after the other; nothing if there are none
    choice,      ///< one of `parts`
    repeat,      ///< parts[0], `least` to `most` times
    rule,        ///< the rule of this number
  };

  Kind kind = Kind::sequence;
  std::uint32_t least = 0, most = 0;
  std::uint32_t rule = 0;
  CodeSet set;
  std::string text;
  std::vector<Expression> parts;
};

Expression characters(CodeSet set);
Expression literal(std::string text);
Expression sequence(std::vector<Expression> parts);
Expression choice(std::vector<Expression> parts);
Expression repeat(Expression part, std::uint32_t least, std::uint32_t most);
Expression optional(Expression part);
Expression rule_reference(std::uint32_t rule);

struct Rule {
  std::string name;
  Expression body;
  bool defined = false;
  std::size_t place = 0;  ///< byte of the text where it is defined, or first used until then
};

struct Rules {
  std::vector<Rule> rules;
  std::uint32_t root = 0;
};

/// What is wrong with rules that are all defined: one begins with itself, or can never end. `rule` is at fault.
struct Fault {
  std::uint32_t rule;
  std::string what;
};

/// The first fault of what the root reaches; `what` is empty if there is none.
Fault find_fault(const Rules& rules);

}  // namespace covey::grammar
