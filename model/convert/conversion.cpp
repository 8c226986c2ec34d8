#include "model/convert/conversion.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>

#include "covey/error.hpp"
#include "model/convert/converted_vocabulary.hpp"
#include "model/file_type.hpp"
#include "model/tokenizer.hpp"

namespace covey {
namespace {

constexpr std::uint32_t kBlockLayoutVersion = 2;

std::string name_of_folder(const std::string& folder) {
  std::error_code failure;
  const std::filesystem::path whole = std::filesystem::canonical(folder, failure);
  return whole.filename().string();
}

/// The type of most weights, by their number.
TensorType main_type(const std::vector<PlannedTensor>& tensors) {
  std::map<TensorType, std::uint64_t> weights;
  for (const PlannedTensor& tensor : tensors) weights[tensor.type] += tensor.rows() * tensor.cols();
  return std::ranges::max_element(weights, {}, [](const auto& entry) { return entry.second; })->first;
}

/// A file that is gone again unless it is renamed.
class UncheckedFile {
 public:
  explicit UncheckedFile(const std::string& path) : path_(path), name_(path + ".unchecked") {}
  ~UncheckedFile() {
    std::error_code failure;
    if (!name_.empty()) std::filesystem::remove(name_, failure);
  }
  UncheckedFile(const UncheckedFile&) = delete;
  UncheckedFile& operator=(const UncheckedFile&) = delete;

  const std::string& name() const { return name_; }
  void accept() {
    std::error_code failure;
    std::filesystem::rename(name_, path_, failure);
    if (failure) throw Error(path_ + ": can't be written: " + failure.message());
    name_.clear();
  }

 private:
  std::string path_, name_;
};

}  // namespace

Conversion::Conversion(const std::string& folder, const ConversionOptions& options) : checkpoint_(folder) {
  std::optional<JsonValue> json = checkpoint_.json("config.json");
  if (!json) throw Error(folder + ": holds no config.json, which says what the model is");
  const ModelConfig config(std::move(*json), checkpoint_.path("config.json"));
  model_ = config.spec().model;
  architecture_ = config.spec().architecture;
  const ArchSpec& arch = *find_architecture(architecture_);
  ModelNumbers numbers = convert_numbers(config, arch);
  tensors_ = plan_tensors(checkpoint_, config, arch, numbers, options.type);

  metadata_.emplace_back("general.architecture", GgufValue(architecture_));
  metadata_.emplace_back("general.name", GgufValue(name_of_folder(folder)));
  const TensorTypeInfo& type = tensor_type_info(main_type(tensors_));
  if (const auto number = file_type_number(type.name)) metadata_.emplace_back(kFileTypeKey, GgufValue(*number));
  if (type.block_elements > 1) metadata_.emplace_back("general.quantization_version", GgufValue(kBlockLayoutVersion));
  const auto append = [this](GgufMetadata more) {
    metadata_.insert(metadata_.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  };
  const auto rows = static_cast<std::uint32_t>(numbers.dims.n_vocab);
  append(std::move(numbers.metadata));
  metadata_.emplace_back(architecture_ + ".vocab_size", GgufValue(rows));
  append(vocabulary_metadata(convert_vocabulary(checkpoint_, rows, options.pre)));
  append(chat_template_metadata(checkpoint_));
}

void Conversion::write(const std::string& path,
                       const std::function<void(std::uint64_t, std::uint64_t)>& progress) const {
  GgufWriter writer;
  for (const auto& [key, value] : metadata_) writer.set(key, value);
  for (const PlannedTensor& tensor : tensors_) {
    writer.add_tensor(tensor.name, tensor.type, tensor.dims,
                      [&tensor](const GgufWriter::Sink& sink) { write_tensor(tensor, sink); });
  }
  UncheckedFile unchecked(path);
  writer.write(unchecked.name(), progress);
  {
    const GgufFile written = GgufFile::open(unchecked.name());
    read_hyper_params(written, read_architecture(written));
    Tokenizer::from_gguf(written);
  }
  unchecked.accept();
}

}  // namespace covey
