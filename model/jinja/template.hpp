// An interpreter for the Jinja that chat templates are written in.
//
//   source --tokens_of--> tokens --parse_template--> tree --Evaluator--> text
//
// Source: https://jinja.palletsprojects.com/en/stable/templates/, with the settings of Hugging Face: trim_blocks,
// lstrip_blocks, break and continue, `generation` blocks, raise_exception, strftime_now, tojson that escapes no HTML;
// in Jinja's immutable sandbox. docs/chat.md lists what is supported.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "model/jinja/dict.hpp"
#include "model/jinja/runtime.hpp"
#include "model/jinja/template_error.hpp"

namespace covey::jinja {

/// Immutable; safe to render from many threads.
class Template {
 public:
  /// Throws TemplateError, with the line.
  explicit Template(std::string_view source);
  ~Template();
  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;

  /// Throws TemplateRefusal where the template calls raise_exception, TemplateError for all else that fails and where a
  /// limit is passed.
  std::string render(const Dict& variables, const Clock& clock = {}, const Limits& limits = {}) const;

 private:
  struct Tree;
  std::unique_ptr<const Tree> tree_;
};

}  // namespace covey::jinja
