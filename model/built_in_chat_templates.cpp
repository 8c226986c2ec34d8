// Chat templates by name. Each writes what its family of models was trained on.
#include <array>

#include "model/chat_template.hpp"

namespace covey {
namespace {

constexpr std::string_view kChatml = R"({%- for message in messages -%}
<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt -%}
<|im_start|>assistant
{% endif -%}
)";

// A system message is put before the first user message.
constexpr std::string_view kGemma = R"({{- bos_token }}
{%- set state = namespace(before='') %}
{%- for message in messages %}
    {%- if message.role == 'system' %}
        {%- set state.before = state.before ~ message.content | trim ~ '\n\n' %}
    {%- else %}
        {{- '<start_of_turn>' ~ ('model' if message.role == 'assistant' else 'user') ~ '\n' }}
        {{- state.before ~ message.content | trim ~ '<end_of_turn>\n' }}
        {%- set state.before = '' %}
    {%- endif %}
{%- endfor %}
{{- '<start_of_turn>model\n' if add_generation_prompt }}
)";

constexpr std::string_view kLlama2 = R"({%- set state = namespace(before='') %}
{%- for message in messages %}
    {%- if message.role == 'system' %}
        {%- set state.before = '<<SYS>>\n' ~ message.content | trim ~ '\n<</SYS>>\n\n' %}
    {%- elif message.role == 'assistant' %}
        {{- ' ' ~ message.content | trim ~ ' ' ~ eos_token }}
    {%- else %}
        {{- bos_token ~ '[INST] ' ~ state.before ~ message.content | trim ~ ' [/INST]' }}
        {%- set state.before = '' %}
    {%- endif %}
{%- endfor %}
)";

constexpr std::string_view kLlama3 = R"({{- bos_token }}
{%- for message in messages %}
    {{- '<|start_header_id|>' ~ message.role ~ '<|end_header_id|>\n\n' ~ message.content | trim ~ '<|eot_id|>' }}
{%- endfor %}
{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' if add_generation_prompt }}
)";

constexpr std::string_view kMistral = R"({{- bos_token }}
{%- set state = namespace(before='') %}
{%- for message in messages %}
    {%- if message.role == 'system' %}
        {%- set state.before = message.content | trim ~ '\n\n' %}
    {%- elif message.role == 'assistant' %}
        {{- ' ' ~ message.content | trim ~ eos_token }}
    {%- else %}
        {{- '[INST] ' ~ state.before ~ message.content | trim ~ ' [/INST]' }}
        {%- set state.before = '' %}
    {%- endif %}
{%- endfor %}
)";

constexpr std::string_view kPhi3 = R"({%- for message in messages -%}
<|{{ message.role }}|>
{{ message.content }}<|end|>
{% endfor -%}
{%- if add_generation_prompt -%}
<|assistant|>
{% endif -%}
)";

constexpr std::string_view kPhi4 = R"({%- for message in messages -%}
<|im_start|>{{ message.role }}<|im_sep|>{{ message.content }}<|im_end|>
{%- endfor -%}
{{- '<|im_start|>assistant<|im_sep|>' if add_generation_prompt }}
)";

constexpr std::string_view kVicuna = R"({%- for message in messages %}
    {%- if message.role == 'system' %}
        {{- message.content ~ '\n\n' }}
    {%- elif message.role == 'assistant' %}
        {{- 'ASSISTANT: ' ~ message.content ~ eos_token ~ '\n' }}
    {%- else %}
        {{- 'USER: ' ~ message.content ~ '\n' }}
    {%- endif %}
{%- endfor %}
{{- 'ASSISTANT:' if add_generation_prompt }}
)";

constexpr std::string_view kZephyr = R"({%- for message in messages -%}
<|{{ message.role }}|>
{{ message.content ~ eos_token }}
{% endfor -%}
{%- if add_generation_prompt -%}
<|assistant|>
{% endif -%}
)";

constexpr std::array kTemplates = {
    BuiltInChatTemplate{"chatml", kChatml},   BuiltInChatTemplate{"gemma", kGemma},
    BuiltInChatTemplate{"llama2", kLlama2},   BuiltInChatTemplate{"llama3", kLlama3},
    BuiltInChatTemplate{"mistral", kMistral}, BuiltInChatTemplate{"phi3", kPhi3},
    BuiltInChatTemplate{"phi4", kPhi4},       BuiltInChatTemplate{"vicuna", kVicuna},
    BuiltInChatTemplate{"zephyr", kZephyr},
};

}  // namespace

std::span<const BuiltInChatTemplate> built_in_chat_templates() { return kTemplates; }

std::string built_in_chat_template_names() {
  std::string names;
  for (const BuiltInChatTemplate& one : kTemplates) names += (names.empty() ? "" : ", ") + std::string(one.name);
  return names;
}

}  // namespace covey
