#include "model/jinja/template.hpp"

#include "model/jinja/evaluator.hpp"
#include "model/jinja/globals.hpp"
#include "model/jinja/parser.hpp"

namespace covey::jinja {

struct Template::Tree {
  Body body;
};

Template::Template(std::string_view source) : tree_(std::make_unique<const Tree>(Tree{parse_template(source)})) {}
Template::~Template() = default;
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;

std::string Template::render(const Dict& variables, const Clock& clock, const Limits& limits) const {
  Runtime runtime(limits, clock);
  const auto scope = std::make_shared<Scope>(nullptr);
  runtime.release_at_end(scope);
  define_globals(*scope);
  for (const Dict::Entry& entry : variables.entries()) {
    if (entry.key.is(Kind::string)) scope->set(entry.key.text(), entry.value);
  }
  std::string output;
  try {
    Evaluator(runtime, scope, output).run(tree_->body);
  } catch (const TemplateError&) {
    throw;
  } catch (const Error& error) {
    throw TemplateError(runtime.line, error.what());
  }
  return output;
}

}  // namespace covey::jinja
