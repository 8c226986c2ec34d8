// Objects and arrays of a JSON schema.
//
// Members and items come in the order of the schema. From each place on, "head" is what may follow while nothing is
// written yet, "tail" what may follow once something is: only it begins with a comma.
#include <algorithm>
#include <map>
#include <set>

#include "model/grammar/schema_merge.hpp"
#include "model/grammar/schema_translator.hpp"
#include "model/grammar/utf8_ranges.hpp"
#include "model/jinja/characters.hpp"

namespace covey::grammar {
namespace {

using jinja::Dict;
using jinja::Kind;
using jinja::Value;

bool is_false(const Value& schema) { return schema.is(Kind::boolean) && !schema.boolean(); }

Expression no_text() { return sequence({}); }

/// Names as a tree of their characters; node 0 is its root.
struct NameNode {
  std::map<char32_t, std::size_t> next;
  bool is_name = false;
};

std::vector<NameNode> name_tree(const std::vector<std::string>& names) {
  std::vector<NameNode> tree(1);
  for (const std::string& name : names) {
    std::size_t at = 0;
    for (std::string_view rest = name; !rest.empty();) {
      const auto [next, added] = tree[at].next.try_emplace(jinja::code_point(jinja::take_character(rest)), tree.size());
      at = next->second;
      if (added) tree.emplace_back();
    }
    tree[at].is_name = true;
  }
  return tree;
}

/// The characters of names that are not given: written without escapes, so that each name has one spelling.
const CodeSet& name_characters() {
  static const CodeSet kSet = all_codes().without(CodeSet({{0, 0x1F}, {U'"', U'"'}, {U'\\', U'\\'}}));
  return kSet;
}

}  // namespace

Expression SchemaTranslator::object(const Dict& schema, const std::string& path) {
  if (schema.find("properties") == nullptr && schema.find("required") == nullptr &&
      schema.find("additionalProperties") == nullptr) {
    return rules_.rule("object");
  }
  std::vector<Member> all = members(schema, path);
  std::vector<std::string> names;
  names.reserve(all.size());
  for (const Member& member : all) names.push_back(member.name);
  if (const Dict* properties = source_.members(schema, "properties", path)) {
    for (const auto& [name, value] : properties->entries()) {
      if (is_false(value)) names.push_back(name.text());
    }
  }
  std::optional<Expression> more = more_members(schema, path);
  if (more) {
    more = rules_.add(path + " more", sequence({other_name(names), rules_.rule("colon"), std::move(*more)}));
  }
  return sequence({literal("{"), rules_.rule("ws"), join(std::move(all), more), literal("}")});
}

std::vector<SchemaTranslator::Member> SchemaTranslator::members(const Dict& schema, const std::string& path) {
  std::set<std::string> required;
  if (const auto* names = source_.list(schema, "required", path)) {
    for (const Value& name : *names) {
      if (!name.is(Kind::string)) source_.fail(path_to(path, "required"), "it has to list strings");
      required.insert(name.text());
    }
  }
  std::vector<Member> result;
  const auto add = [&](const std::string& name, bool needed, Expression value) {
    Expression pair = sequence({literal(json_text(name)), rules_.rule("colon"), std::move(value)});
    result.push_back({name, needed, rules_.add(path_to(path, name), std::move(pair))});
    required.erase(name);
  };
  const Dict* properties = source_.members(schema, "properties", path);
  const std::string here = path_to(path, "properties");
  if (properties != nullptr) {
    for (const auto& [key, value] : properties->entries()) {
      const bool needed = required.contains(key.text());
      if (is_false(value) && !needed) continue;
      add(key.text(), needed, any(value, path_to(here, key.text())));
    }
  }
  for (const std::string& name : std::set<std::string>(required)) {
    const Value* additional = schema.find("additionalProperties");
    if (additional != nullptr && is_false(*additional)) {
      source_.fail(path_to(path, "required"), "'" + name + "' is required, but no property may have this name");
    }
    add(name, true,
        additional == nullptr ? rules_.rule("value") : any(*additional, path_to(path, "additionalProperties")));
  }
  return result;
}

/// What values of other names may be; nullopt: there are none. Where the schema says nothing of them and names some,
/// none is written.
std::optional<Expression> SchemaTranslator::more_members(const Dict& schema, const std::string& path) {
  const Value* additional = schema.find("additionalProperties");
  if (additional == nullptr) {
    if (schema.find("properties") != nullptr) return std::nullopt;
    return rules_.rule("value");
  }
  if (is_false(*additional)) return std::nullopt;
  return any(*additional, path_to(path, "additionalProperties"));
}

/// A JSON string that is none of `names`.
Expression SchemaTranslator::other_name(const std::vector<std::string>& names) {
  const std::vector<NameNode> tree = name_tree(names);
  const Expression tail = sequence({repeat(characters(name_characters()), 0, kNoEnd), literal("\"")});
  // A rule for each node: what may follow the characters up to there.
  std::vector<std::uint32_t> rules;
  rules.reserve(tree.size());
  for (std::size_t i = 0; i < tree.size(); ++i) rules.push_back(rules_.reserve("other name"));
  for (std::size_t i = 0; i < tree.size(); ++i) {
    std::vector<Expression> parts;
    std::vector<CodeSet::Range> taken;
    for (const auto& [code, below] : tree[i].next) {
      taken.push_back({code, code});
      if (!name_characters().contains(code)) continue;
      parts.push_back(sequence({characters(CodeSet({{code, code}})), rule_reference(rules[below])}));
    }
    parts.push_back(sequence({characters(name_characters().without(CodeSet(taken))), tail}));
    if (!tree[i].is_name) parts.push_back(literal("\""));
    rules_.define(rules[i], choice(std::move(parts)));
  }
  return sequence({literal("\""), rule_reference(rules[0])});
}

/// Members with commas between them and space behind, up to the closing brace.
Expression SchemaTranslator::join(std::vector<Member> members, const std::optional<Expression>& more) {
  const Expression comma = rules_.rule("comma"), space = rules_.rule("ws");
  Expression tail = more ? sequence({repeat(sequence({comma, *more}), 0, kNoEnd), space}) : space;
  Expression head = more ? optional(sequence({*more, tail})) : no_text();
  for (std::size_t i = members.size(); i-- > 0;) {
    const Member& member = members[i];
    tail = rules_.add(member.name + " tail", std::move(tail));
    Expression here = sequence({member.pair, tail});
    head = member.required ? std::move(here)
                           : choice({std::move(here), rules_.add(member.name + " head", std::move(head))});
    Expression with_comma = sequence({comma, member.pair});
    tail = sequence({member.required ? std::move(with_comma) : optional(std::move(with_comma)), std::move(tail)});
  }
  return head;
}

Expression SchemaTranslator::array(const Dict& schema, const std::string& path) {
  std::vector<Expression> prefix;
  std::optional<Expression> more = more_items(schema, schema.find("prefixItems") != nullptr, path);
  if (const auto* items = source_.list(schema, "prefixItems", path)) {
    const std::string here = path_to(path, "prefixItems");
    for (std::size_t i = 0; i < items->size(); ++i) {
      if (is_false((*items)[i])) {
        more = std::nullopt;
        break;
      }
      prefix.push_back(rules_.add(path_to(here, i), any((*items)[i], path_to(here, i))));
    }
  }
  const std::uint32_t least = source_.count(schema, "minItems", path).value_or(0);
  std::uint32_t most = source_.count(schema, "maxItems", path).value_or(kNoEnd);
  if (!more) most = std::min(most, static_cast<std::uint32_t>(prefix.size()));
  if (least > most) source_.fail(path, "no array has at least " + std::to_string(least) + " items and fits the schema");
  if (prefix.size() > most) prefix.resize(most);

  const Expression comma = rules_.rule("comma"), space = rules_.rule("ws");
  // Items from the given one on, each behind a comma; the text goes on with space.
  const auto rest = [&](std::uint32_t written) {
    if (!more || written >= most) return space;
    return sequence({repeat(sequence({comma, *more}), least > written ? least - written : 0,
                            most == kNoEnd ? kNoEnd : most - written),
                     space});
  };
  const auto count = static_cast<std::uint32_t>(prefix.size());
  Expression items;
  if (count == 0) {
    items = most == 0 ? no_text() : sequence({*more, rest(1)});
  } else {
    Expression tail = rest(count);
    for (std::uint32_t i = count - 1; i > 0; --i) {
      Expression here = sequence({comma, prefix[i], rules_.add(path + " tail", std::move(tail))});
      tail = i < least ? std::move(here) : choice({std::move(here), space});
    }
    items = sequence({prefix[0], std::move(tail)});
  }
  if (least == 0) items = optional(std::move(items));
  return sequence({literal("["), rules_.rule("ws"), std::move(items), literal("]")});
}

/// What items behind the prefix may be; nullopt: there are none. Where the schema says nothing of them and has a
/// prefix, none is written.
std::optional<Expression> SchemaTranslator::more_items(const Dict& schema, bool has_prefix, const std::string& path) {
  const Value* items = schema.find("items");
  if (items == nullptr) {
    if (has_prefix) return std::nullopt;
    return rules_.rule("value");
  }
  const std::string here = path_to(path, "items");
  if (items->is(Kind::list)) source_.fail(here, "a list of schemas is prefixItems since draft 2020-12");
  if (is_false(*items)) return std::nullopt;
  return rules_.add(here, any(*items, here));
}

}  // namespace covey::grammar
