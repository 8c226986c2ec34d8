// Messages of other ranks: whatever the bytes, a decoder either throws Error or gives what encodes and decodes again.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "covey/error.hpp"
#include "mpi/batch_codec.hpp"
#include "mpi/checkup.hpp"
#include "mpi/failure_news.hpp"
#include "mpi/flock_task.hpp"
#include "mpi/frame.hpp"
#include "mpi/layer_request.hpp"
#include "mpi/membership.hpp"
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

// A frame, then its payload: what is accepted is what was framed.
void check_frame(std::span<const std::byte> bytes) {
  try {
    const covey::Frame frame = covey::read_frame(bytes, 1, covey::Tag::text);
    const auto payload = bytes.subspan(covey::kFrameBytes);
    covey::check_payload(frame, payload, 1);
    const auto again = covey::frame_of(covey::Tag::text, payload);
    if (!std::equal(again.begin(), again.end(), bytes.begin())) std::abort();
  } catch (const covey::Error& error) {
    if (std::string_view(error.what()).find("rank 1") == std::string_view::npos) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto bytes = std::as_bytes(std::span(data, size)).subspan(1);
  switch (data[0] % 12) {
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
      check_frame(bytes);
      break;
    case 5:
      check(bytes, covey::decode_health, covey::encode_health);
      break;
    case 6:
      check(bytes, covey::decode_task, covey::encode_task);
      break;
    case 7:
      check(bytes, covey::decode_flock_message, covey::encode_flock_message);
      break;
    case 8:
      check(bytes, covey::decode_news, covey::encode_news);
      break;
    case 9:
      check(bytes, covey::decode_group,
            [](const auto& group) { return covey::encode_group(group.first, group.second); });
      break;
    case 10:
      check(bytes, covey::decode_layer_request, covey::encode_layer_request);
      break;
    default:
      check(bytes, covey::decode_start, covey::encode_start);
      break;
  }
  return 0;
}
