#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/interrupt.hpp"
#include "cli/name_checks.hpp"
#include "cli/numbers.hpp"
#include "cli/output.hpp"
#include "cli/progress_bar.hpp"
#include "cli/report_json.hpp"
#include "cli/suggestion.hpp"
#include "cli/text_table.hpp"
#include "cli/units.hpp"
#include "kernels/quant/formats.hpp"
#include "model/quantize.hpp"

namespace covey {

namespace {

struct QuantizeFlags {
  std::string in, out;
  std::string type, output_type, embedding_type;
  std::vector<std::string> keep;
  int threads = 0;
  bool dry_run = false;
  bool json = false;
  bool quiet = false;
};

std::vector<std::string> mixture_names() {
  std::vector<std::string> names;
  for (const Mixture& mixture : mixtures()) names.emplace_back(mixture.name);
  return names;
}

std::string name_of(TensorType type) { return std::string(tensor_type_info(type).name); }

std::optional<TensorType> type_of(const std::string& name) {
  if (name.empty()) return std::nullopt;
  return find_tensor_type(name)->type;
}

QuantizedTensor total_of(const std::vector<QuantizedTensor>& tensors) {
  QuantizedTensor total{
      .name = "total", .from = {}, .to = {}, .wanted = {}, .bytes_before = 0, .bytes_after = 0, .error = {}};
  for (const QuantizedTensor& tensor : tensors) {
    total.bytes_before += tensor.bytes_before;
    total.bytes_after += tensor.bytes_after;
    total.error.add(tensor.error);
  }
  return total;
}

std::string table_of(const std::vector<QuantizedTensor>& tensors, bool errors) {
  std::vector<std::string> headings = {"tensor", "from", "to", "before", "after", "RMS error", "largest", "note"};
  TextTable table(headings, {0, 1, 2, 7});
  const auto add = [&](const QuantizedTensor& tensor, std::string from, std::string to, std::string note) {
    const bool measured = errors && tensor.error.counted > 0;
    table.add_row({tensor.name, std::move(from), std::move(to), format_bytes(tensor.bytes_before),
                   format_bytes(tensor.bytes_after),
                   measured ? fmt::format("{:.3f} %", 100 * tensor.error.relative()) : "",
                   measured ? fmt::format("{:.2e}", tensor.error.largest) : "", std::move(note)});
  };
  for (const QuantizedTensor& tensor : tensors) {
    add(tensor, name_of(tensor.from), name_of(tensor.to),
        tensor.wanted ? fmt::format("rows are not whole blocks of {}", name_of(*tensor.wanted)) : "");
  }
  add(total_of(tensors), "", "", "");
  return table.text();
}

// NaN has no place in JSON.
Json number_json(double value) { return std::isfinite(value) ? Json(value) : Json(); }

void add_sizes(Json& out, const QuantizedTensor& tensor, bool errors) {
  out["bytes_before"] = tensor.bytes_before;
  out["bytes_after"] = tensor.bytes_after;
  if (!errors) return;
  out["rms_error"] = number_json(tensor.error.relative());
  out["largest_error"] = number_json(static_cast<double>(tensor.error.largest));
}

Json report_json(const QuantizeFlags& flags, const std::vector<QuantizedTensor>& tensors) {
  Json list = Json::array();
  for (const QuantizedTensor& tensor : tensors) {
    Json entry = {{"name", tensor.name},
                  {"from", name_of(tensor.from)},
                  {"to", name_of(tensor.to)},
                  {"wanted", tensor.wanted ? Json(name_of(*tensor.wanted)) : Json()}};
    add_sizes(entry, tensor, !flags.dry_run);
    list.push_back(std::move(entry));
  }
  Json total = Json::object();
  add_sizes(total, total_of(tensors), !flags.dry_run);
  return {{"model", flags.in},         {"output", flags.out},        {"type", flags.type},
          {"written", !flags.dry_run}, {"tensors", std::move(list)}, {"total", std::move(total)}};
}

int quantize_model(const QuantizeFlags& flags) {
  const GgufFile file = GgufFile::open(flags.in);
  const QuantizeRecipe recipe = {.mixture = find_mixture(flags.type),
                                 .output = type_of(flags.output_type),
                                 .embedding = type_of(flags.embedding_type),
                                 .keep = flags.keep};
  std::vector<QuantizedTensor> tensors;
  if (flags.dry_run) {
    tensors = plan_quantized(file, recipe);
  } else {
    ProgressBar bar("quantizing", !flags.quiet);
    tensors = write_quantized(file, flags.out, recipe, flags.threads, [&](std::uint64_t written, std::uint64_t all) {
      check_interrupt();
      bar.update(static_cast<double>(written) / static_cast<double>(all));
    });
  }
  print(flags.json ? json_line(report_json(flags, tensors)) : table_of(tensors, !flags.dry_run));
  return kExitOk;
}

}  // namespace

CommandRun add_quantize(CLI::App& parser) {
  auto flags = std::make_shared<QuantizeFlags>();
  parser.add_option("IN", flags->in, "Model to read, a GGUF file")->required()->option_text("(required)");
  parser.add_option("OUT", flags->out, "Model to write")->required()->option_text("(required)");
  parser.add_option("--type", flags->type, "Type of the matrices, or a mixture: " + joined(mixture_names()))
      ->required()
      ->check(a_name(mixture_names(), [](const std::string& text) { return find_mixture(text) != nullptr; }))
      ->option_text("TYPE (required)");
  parser.add_option("--output-type", flags->output_type, "Type of the output matrix (default: --type, at least Q6_K)")
      ->check(a_tensor_type())
      ->option_text("TYPE");
  parser.add_option("--token-embedding-type", flags->embedding_type, "Type of the token embeddings (default: --type)")
      ->check(a_tensor_type())
      ->option_text("TYPE");
  parser.add_option("--keep", flags->keep, "Tensors whose name contains TEXT keep their type; may be given many times")
      ->allow_extra_args(false)
      ->option_text("TEXT");
  parser.add_option("-t,--threads", flags->threads, "Threads (default: all cores)")
      ->check(whole_in_range(1, 1024))
      ->option_text("N");
  parser.add_flag("--dry-run", flags->dry_run, "Write nothing: types and sizes only");
  parser.add_flag("--json", flags->json, "One JSON object instead of the table");
  parser.add_flag("-q,--quiet", flags->quiet, "No progress on standard error");
  return [flags] { return quantize_model(*flags); };
}

}  // namespace covey
