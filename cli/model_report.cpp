#include "cli/model_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

#include "cli/metadata_text.hpp"
#include "cli/text_table.hpp"
#include "cli/units.hpp"
#include "kernels/quant/formats.hpp"
#include "model/tokenizer.hpp"

namespace covey {

namespace {

std::string shape(const GgufTensor& tensor) { return fmt::format("{}", fmt::join(tensor.dims, " x ")); }

std::string line(std::string_view name, const std::string& value) { return fmt::format("{:<18}{}\n", name, value); }

}  // namespace

ModelReport::ModelReport(const GgufFile& file) : file_(file) {
  for (const GgufTensor& tensor : file.tensors()) {
    const std::string_view type = tensor_type_info(tensor.type).name;
    parameters_ += tensor.elements();
    tensor_bytes_ += tensor.data.size();
    elements_by_type_[type] += tensor.elements();
    if (find_format(tensor.type) == nullptr && elements_by_type_[type] == tensor.elements()) {
      notes_.push_back(fmt::format("weights of type {} can't be computed with by this version", type));
    }
  }
  if (is_adapter(file)) {
    read_adapter();
  } else {
    read_model();
  }
}

void ModelReport::read_adapter() {
  try {
    adapter_ = read_lora(file_);
  } catch (const Error& error) {
    notes_.emplace_back(error.what());
  }
}

void ModelReport::read_model() {
  try {
    facts_ = model_facts(file_);
  } catch (const Error& error) {
    notes_.emplace_back(error.what());
  }
  try {
    const auto tokenizer = Tokenizer::from_gguf(file_);
    vocabulary_ = {std::string(tokenizer->kind()), tokenizer->size(), tokenizer->bos(), tokenizer->eos()};
  } catch (const Error& error) {
    notes_.emplace_back(error.what());
  }
}

double ModelReport::bits_per_weight() const {
  return parameters_ == 0 ? 0 : static_cast<double>(tensor_bytes_) * 8 / static_cast<double>(parameters_);
}

std::string ModelReport::types() const {
  std::vector<std::pair<std::uint64_t, std::string_view>> by_size;
  for (const auto& [type, elements] : elements_by_type_) by_size.emplace_back(elements, type);
  std::sort(by_size.rbegin(), by_size.rend());
  std::vector<std::string> parts;
  for (const auto& [elements, type] : by_size) {
    parts.push_back(
        fmt::format("{} {:.1f} %", type, 100.0 * static_cast<double>(elements) / static_cast<double>(parameters_)));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string ModelReport::adapter_text() const {
  std::set<std::uint64_t> ranks;
  for (const auto& [target, pair] : adapter_->pairs) ranks.insert(pair.rank());
  return fmt::format("LoRA of {} {}, rank {}, alpha {}: give it with --lora beside a model", adapter_->pairs.size(),
                     adapter_->pairs.size() == 1 ? "matrix" : "matrices", fmt::join(ranks, ", "), adapter_->alpha);
}

std::string ModelReport::parts_text() const {
  std::string out;
  for (std::size_t i = 0; i < file_.parts().size(); ++i) {
    const GgufPart& part = file_.parts()[i];
    out += line(fmt::format("part {}", i + 1),
                fmt::format("{}, {} tensors, {}", part.path, part.tensors, format_bytes(part.bytes)));
  }
  return out;
}

std::string ModelReport::overview() const {
  std::string out = line("file", file_.path());
  out += line("format", fmt::format("GGUF version {}, {} tensors, {} metadata values", file_.version(),
                                    file_.tensors().size(), file_.metadata().size()));
  out += line("size", fmt::format("{} ({} bytes)", format_bytes(file_.file_bytes()), file_.file_bytes()));
  if (file_.parts().size() > 1) out += parts_text();
  if (facts_ && !facts_->name.empty()) out += line("name", printable(facts_->name));
  const std::string* architecture = file_.string("general.architecture");
  out += line("architecture", architecture == nullptr ? "not named" : printable(*architecture));
  out += line("parameters", fmt::format("{} ({})", format_count(parameters_), parameters_));
  out += line("weights", fmt::format("{}; {:.2f} bits each", types(), bits_per_weight()));
  if (adapter_) out += line("adapter", adapter_text());
  if (facts_) {
    out += line("context", fmt::format("{} tokens as trained", facts_->n_ctx_train));
    out += line("layers", fmt::format("{}", facts_->n_layers));
    out += line("embedding", fmt::format("{}", facts_->n_embd));
    out += line("feed-forward", fmt::format("{}", facts_->n_ff));
    out += line("heads",
                fmt::format("{} of {}, {} for keys and values", facts_->n_heads, facts_->head_dim, facts_->n_kv_heads));
    out += line("fingerprint", fmt::format("{:016x}", facts_->fingerprint));
  }
  if (vocabulary_) {
    const auto id = [](std::optional<Token> token) { return token ? fmt::format("{}", *token) : std::string("none"); };
    out += line("tokenizer", fmt::format("{}, {} tokens, BOS {}, EOS {}", printable(vocabulary_->kind),
                                         vocabulary_->size, id(vocabulary_->bos), id(vocabulary_->eos)));
  }
  for (const std::string& note : notes_) out += line("note", printable(note));
  return out;
}

std::string ModelReport::metadata() const {
  std::string out;
  for (const auto& [key, value] : file_.metadata())
    out += fmt::format("{} = {}\n", printable(key), metadata_text(value));
  return out;
}

std::string ModelReport::tensors() const {
  TextTable table({"tensor", "type", "shape", "bytes"}, {0, 1});
  for (const GgufTensor& tensor : file_.tensors()) {
    table.add_row({printable(tensor.name), std::string(tensor_type_info(tensor.type).name), shape(tensor),
                   fmt::format("{}", tensor.data.size())});
  }
  return table.text();
}

nlohmann::ordered_json ModelReport::json(bool with_tensors, bool with_metadata) const {
  nlohmann::ordered_json out = {{"file", file_.path()},
                                {"version", file_.version()},
                                {"bytes", file_.file_bytes()},
                                {"parameters", parameters_},
                                {"bits_per_weight", bits_per_weight()}};
  const std::string* architecture = file_.string("general.architecture");
  if (architecture != nullptr) out["architecture"] = *architecture;
  for (const GgufPart& part : file_.parts()) {
    out["parts"].push_back({{"file", part.path}, {"bytes", part.bytes}, {"tensors", part.tensors}});
  }
  if (facts_) {
    out.update({{"name", facts_->name},
                {"n_ctx_train", facts_->n_ctx_train},
                {"n_layers", facts_->n_layers},
                {"n_embd", facts_->n_embd},
                {"n_ff", facts_->n_ff},
                {"n_heads", facts_->n_heads},
                {"n_kv_heads", facts_->n_kv_heads},
                {"head_dim", facts_->head_dim},
                {"n_vocab", facts_->n_vocab},
                {"fingerprint", fmt::format("{:016x}", facts_->fingerprint)}});
  }
  if (adapter_) {
    out["adapter"] = {{"type", "lora"}, {"alpha", adapter_->alpha}, {"ranks", nlohmann::ordered_json::object()}};
    for (const auto& [target, pair] : adapter_->pairs) out["adapter"]["ranks"][target] = pair.rank();
  }
  if (vocabulary_) {
    out["tokenizer"] = {{"model", vocabulary_->kind}, {"tokens", vocabulary_->size}};
    if (vocabulary_->bos) out["tokenizer"]["bos"] = *vocabulary_->bos;
    if (vocabulary_->eos) out["tokenizer"]["eos"] = *vocabulary_->eos;
  }
  out["types"] = elements_by_type_;
  out["notes"] = notes_;
  if (with_metadata) {
    for (const auto& [key, value] : file_.metadata()) out["metadata"][key] = metadata_json(value);
  }
  if (with_tensors) {
    out["tensors"] = nlohmann::ordered_json::array();
    for (const GgufTensor& tensor : file_.tensors()) {
      out["tensors"].push_back({{"name", tensor.name},
                                {"type", tensor_type_info(tensor.type).name},
                                {"shape", tensor.dims},
                                {"part", tensor.part},
                                {"offset", tensor.offset},
                                {"bytes", tensor.data.size()}});
    }
  }
  return out;
}

}  // namespace covey
