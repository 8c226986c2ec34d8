#include "mpi/aggregation_prompt.hpp"

#include <utility>
#include <vector>

#include "covey/error.hpp"

namespace covey {

// The prompt comes first in all of them, so that its keys and values are found in the cache; and nothing before a
// proposal depends on how many follow, so that they can be read while others are still being written.

const std::string_view kSelfMoaPrompt = R"({{ prompt }}

{% if chat -%}
Below are several answers to this. Some of them may be wrong.
{%- else -%}
Below are several proposals of how this goes on. Some of them may be wrong.
{%- endif %}


{% for proposal in proposals %}
Proposal {{ loop.index }}: {{ proposal }}

{% endfor %}
{% if chat -%}
Check them against each other, keep what is right, and give the one best answer. Say nothing about the proposals.
{%- else -%}
Taking what is right in them, the one best answer is:
{% endif %})";

const std::string_view kSequentialPrompt = R"({{ prompt }}

{% if chat -%}
Below are answers to this{% if synthesis %}: the best one so far, and others{% endif %}. Any of them may be wrong.
{%- else -%}
Below are proposals of how this goes on{% if synthesis %}: the best one so far, and others{% endif %}. Any of them may be wrong.
{%- endif %}


{% if synthesis %}
Best so far: {{ synthesis }}

{% endif %}
{% for proposal in proposals %}
Proposal {{ loop.index }}: {{ proposal }}

{% endfor %}
{% if chat -%}
Check them against each other, keep what is right, and give the one best answer. Say nothing about the proposals.
{%- else -%}
Taking what is right in them, the one best answer is:
{% endif %})";

const std::string_view kMixturePrompt = R"({{ prompt }}

{% if chat -%}
Several models have answered this, each on its own:
{%- else -%}
Several models have gone on from here, each on its own:
{%- endif %}


{% for proposal in proposals %}
{{ loop.index }}. {{ proposal }}

{% endfor %}
{% if chat -%}
Judge these answers critically: what they say may be biased or wrong. Don't repeat one of them, but write one answer of
your own that is more accurate, complete and well ordered than each of them.
{%- else -%}
Judging them critically, since each may be biased or wrong, one answer that is better than each of them is:
{% endif %})";

AggregationPrompt::AggregationPrompt(std::string_view source)
    : template_(std::make_shared<const jinja::Template>(source)) {}

std::string AggregationPrompt::render(const Input& input) const {
  std::vector<jinja::Value> proposals;
  proposals.reserve(input.proposals.size());
  for (const std::string& proposal : input.proposals) proposals.emplace_back(proposal);
  jinja::Dict variables;
  variables.set("prompt", input.prompt);
  variables.set("proposals", std::move(proposals));
  variables.set("synthesis", input.synthesis);
  variables.set("chat", input.chat);
  try {
    return template_->render(variables);
  } catch (const Error& error) {
    throw Error(std::string("--prompt-template: ") + error.what());
  }
}

}  // namespace covey
