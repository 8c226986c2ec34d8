#include <fmt/format.h>

#include <memory>
#include <string>

#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/progress_bar.hpp"
#include "cli/report_json.hpp"
#include "cli/text_table.hpp"
#include "cli/units.hpp"
#include "model/convert/conversion.hpp"
#include "model/pre_tokenizer_rules.hpp"

namespace covey {

namespace {

struct ConvertFlags {
  std::string in, out;
  std::string type = "auto";
  std::string pre;
  bool dry_run = false;
  bool json = false;
  bool quiet = false;
};

constexpr const char* kConversionTypes = "auto, F32, F16, BF16, Q8_0";

bool known_type(const std::string& name) {
  if (name == "auto") return true;
  const TensorTypeInfo* const info = find_tensor_type(name);
  return info != nullptr && (info->type == TensorType::f32 || info->type == TensorType::f16 ||
                             info->type == TensorType::bf16 || info->type == TensorType::q8_0);
}

std::string type_before(const PlannedTensor& tensor) {
  return tensor.source.tensor == nullptr ? "made" : tensor.source.tensor->dtype;
}

std::string source_of(const PlannedTensor& tensor) {
  return tensor.source.tensor == nullptr ? "" : tensor.source.tensor->name;
}

std::string type_after(const PlannedTensor& tensor) { return std::string(tensor_type_info(tensor.type).name); }

std::uint64_t total_bytes(const Conversion& conversion) {
  std::uint64_t total = 0;
  for (const PlannedTensor& tensor : conversion.tensors()) total += tensor.bytes();
  return total;
}

std::string tensor_table(const Conversion& conversion) {
  TextTable table({"tensor", "from", "was", "is", "bytes"}, {0, 1, 2, 3});
  for (const PlannedTensor& tensor : conversion.tensors()) {
    table.add_row(
        {tensor.name, source_of(tensor), type_before(tensor), type_after(tensor), format_bytes(tensor.bytes())});
  }
  return table.text();
}

std::string conversion_text(const ConvertFlags& flags, const Conversion& conversion) {
  return fmt::format("{}: {} as {}, {} tensors, {}{}\n", flags.out, conversion.model(), conversion.architecture(),
                     conversion.tensors().size(), format_bytes(total_bytes(conversion)),
                     flags.dry_run ? "; not written" : "");
}

Json conversion_json(const ConvertFlags& flags, const Conversion& conversion) {
  Json tensors = Json::array();
  for (const PlannedTensor& tensor : conversion.tensors()) {
    tensors.push_back({{"name", tensor.name},
                       {"source", source_of(tensor)},
                       {"from", type_before(tensor)},
                       {"to", type_after(tensor)},
                       {"bytes", tensor.bytes()}});
  }
  return {{"model", conversion.model()}, {"architecture", conversion.architecture()}, {"output", flags.out},
          {"written", !flags.dry_run},   {"bytes", total_bytes(conversion)},          {"tensors", std::move(tensors)}};
}

int convert_model(const ConvertFlags& flags) {
  ConversionOptions options;
  options.pre = flags.pre;
  if (flags.type != "auto") options.type = find_tensor_type(flags.type)->type;
  const Conversion conversion(flags.in, options);
  if (!flags.dry_run) {
    ProgressBar bar("converting", !flags.quiet);
    conversion.write(flags.out, [&](std::uint64_t written, std::uint64_t all) {
      check_interrupt();
      bar.update(static_cast<double>(written) / static_cast<double>(all));
    });
  }
  if (flags.json) {
    print(json_line(conversion_json(flags, conversion)));
  } else {
    print((flags.dry_run ? tensor_table(conversion) : "") + conversion_text(flags, conversion));
  }
  return kExitOk;
}

}  // namespace

CommandRun add_convert(CLI::App& parser) {
  auto flags = std::make_shared<ConvertFlags>();
  parser.add_option("DIR", flags->in, "Folder with config.json, model.safetensors and a tokenizer's files")
      ->required()
      ->option_text("(required)");
  parser.add_option("-o,--output", flags->out, "GGUF file to write")->required()->option_text("FILE (required)");
  parser
      .add_option(
          "--type", flags->type,
          fmt::format("Type of the matrices: {} (default: auto, what each has); vectors are F32", kConversionTypes))
      ->check(CLI::Validator(
          [](std::string& text) {
            return known_type(text) ? std::string()
                                    : fmt::format("'{}' is no type to convert to: choose {}; quantize has more", text,
                                                  kConversionTypes);
          },
          ""))
      ->option_text("TYPE");
  parser
      .add_option(
          "--pre", flags->pre,
          "Pre-tokenizer of a byte-level vocabulary (default: found from tokenizer.json): " + known_pre_tokenizers())
      ->check(CLI::Validator(
          [](std::string& text) {
            return find_pre_tokenizer_rule(text) != nullptr ? std::string()
                                                            : fmt::format("the pre-tokenizer '{}' is unknown", text);
          },
          ""))
      ->option_text("NAME");
  parser.add_flag("--dry-run", flags->dry_run, "Write nothing: check, and list the tensors");
  parser.add_flag("--json", flags->json, "One JSON object instead of the text");
  parser.add_flag("-q,--quiet", flags->quiet, "No progress on standard error");
  return [flags] { return convert_model(*flags); };
}

}  // namespace covey
