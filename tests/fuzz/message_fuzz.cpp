// Messages of other ranks: whatever the bytes, a decoder either throws Error or gives what encodes and decodes again.
#include <cstdint>
#include <cstdlib>

#include "covey/error.hpp"
#include "mpi/batch_codec.hpp"
#include "mpi/flock_task.hpp"
#include "mpi/proposal_codec.hpp"
#include "mpi/report_codec.hpp"
#include "mpi/startup.hpp"

namespace {

template <typename Decode, typename Encode>
void check(std::span<const std::byte> bytes, const Decode& decode, const Encode& encode) {
  try {
    const auto encoded = encode(decode(bytes));
    if (encode(decode(encoded)) != encoded) std::abort();
  } catch (const covey::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto bytes = std::as_bytes(std::span(data, size)).subspan(1);
  switch (data[0] % 7) {
    case 0:
      check(bytes, covey::decode_batch, covey::encode_batch);
      break;
    case 1:
      check(bytes, covey::decode_report, covey::encode_report);
      break;
    case 2:
      check(bytes, covey::decode_options, covey::encode_options);
      break;
    case 3:
      check(bytes, covey::decode_completion, covey::encode_completion);
      break;
    case 4:
      check(bytes, covey::decode_task, covey::encode_task);
      break;
    case 5:
      check(bytes, covey::decode_flock_message, covey::encode_flock_message);
      break;
    default:
      check(bytes, covey::decode_start, covey::encode_start);
      break;
  }
  return 0;
}
