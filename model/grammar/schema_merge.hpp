// Schemas that hold together, made one: allOf, and $ref beside other keywords.
#pragma once

#include <string>
#include <string_view>

#include "model/grammar/schema_source.hpp"

namespace covey::grammar {

/// title, description, …: keywords that allow and forbid nothing, and those beginning with "x-".
bool is_annotation(std::string_view keyword);

/// Whether `schema` has keywords that are no annotations.
bool demands_anything(const jinja::Dict& schema);

/// The schema without one of its keywords.
jinja::Dict without(const jinja::Dict& schema, std::string_view keyword);

/// {"allOf": [first, second]}
jinja::Value both(jinja::Value first, jinja::Value second);

/// `schema` without $ref and allOf, in one level: what stands below its keywords is left as it is. Throws Error if the
/// parts can't be brought together.
jinja::Dict flattened(const SchemaSource& source, const jinja::Dict& schema, const std::string& path);

/// Whether values of `type` (a JSON type's name) may be of `schema`, judged by its "type" alone.
bool may_be(const jinja::Dict& schema, std::string_view type);

/// Whether no value is of both, as far as types, enum, const and required properties tell.
bool exclude_each_other(const SchemaSource& source, const jinja::Value& first, const jinja::Value& second,
                        const std::string& path);

}  // namespace covey::grammar
