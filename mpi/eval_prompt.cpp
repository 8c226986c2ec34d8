#include "mpi/eval_prompt.hpp"

#include <utility>
#include <vector>

#include "covey/error.hpp"

namespace covey {

namespace {

constexpr std::string_view kUsualQuestion = R"({%- macro ask(one) -%}
Question: {{ one.question }}
{% for choice in one.choices %}
{{ choice.letter }}. {{ choice.text }}
{% endfor %}
{%- endmacro -%}
{%- if chat and not choices %}Solve the problem step by step. End with a line that holds #### and the result alone.

{% elif chat %}Choose the right answer. End with its letter.

{% endif %}
{%- for shot in shots -%}
{{ ask(shot) }}Answer: {{ shot.answer }}

{% endfor %}
{{- ask({'question': question, 'choices': choices}) -}}
{%- if not chat %}Answer:{% endif -%})";

std::vector<jinja::Value> choice_values(const EvalItem& item) {
  std::vector<jinja::Value> values;
  for (std::size_t i = 0; i < item.choices.size(); ++i) {
    jinja::Dict choice;
    choice.set("letter", choice_letter(i));
    choice.set("text", item.choices[i]);
    values.emplace_back(std::move(choice));
  }
  return values;
}

}  // namespace

EvalPrompt::EvalPrompt(std::string_view source)
    : template_(std::make_shared<const jinja::Template>(source.empty() ? kUsualQuestion : source)) {}

std::string EvalPrompt::render(const EvalItem& item, std::span<const EvalItem> shots, bool chat) const {
  std::vector<jinja::Value> examples;
  for (const EvalItem& shot : shots) {
    jinja::Dict example;
    example.set("question", shot.question);
    example.set("choices", choice_values(shot));
    example.set("answer", shot.worked);
    examples.emplace_back(std::move(example));
  }
  jinja::Dict variables;
  variables.set("question", item.question);
  variables.set("choices", choice_values(item));
  variables.set("shots", std::move(examples));
  variables.set("subject", item.subject);
  variables.set("chat", chat);
  try {
    return template_->render(variables);
  } catch (const Error& error) {
    throw Error("--question-template: " + std::string(error.what()));
  }
}

}  // namespace covey
