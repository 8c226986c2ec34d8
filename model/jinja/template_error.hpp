// What is wrong with a template, and where.
#pragma once

#include <string>

#include "covey/error.hpp"

namespace covey::jinja {

class TemplateError : public Error {
 public:
  /// `line` counts from 1.
  TemplateError(int line, const std::string& message)
      : Error("line " + std::to_string(line) + ": " + message), line_(line) {}

  int line() const { return line_; }

 private:
  int line_;
};

/// The template itself refuses what it is given: raise_exception(…).
class TemplateRefusal : public TemplateError {
 public:
  using TemplateError::TemplateError;
};

}  // namespace covey::jinja
