#include "mpi/layer_request.hpp"

#include "mpi/byte_stream.hpp"

namespace covey {

std::vector<std::byte> encode_layer_request(const LayerRequest& request) {
  ByteWriter out;
  out.boolean(request.kind == LayerRequest::Kind::keep);
  out.varint(static_cast<std::uint64_t>(request.layer.layer));
  if (request.kind == LayerRequest::Kind::send) return out.take();
  out.u64(request.fingerprint);
  out.varint(request.layer.parts.size());
  for (const TensorPart& part : request.layer.parts) {
    out.varint(part.tensor);
    out.varint(part.offset);
    out.varint(part.bytes);
  }
  return out.take();
}

LayerRequest decode_layer_request(std::span<const std::byte> bytes) {
  ByteReader in(bytes, "request for a layer");
  LayerRequest request;
  request.kind = in.boolean() ? LayerRequest::Kind::keep : LayerRequest::Kind::send;
  request.layer.layer = in.index();
  if (request.kind == LayerRequest::Kind::keep) {
    request.fingerprint = in.u64();
    request.layer.parts.resize(in.count(3));
    for (TensorPart& part : request.layer.parts) {
      part.tensor = static_cast<std::uint32_t>(in.index());
      part.offset = in.varint();
      part.bytes = in.varint();
    }
  }
  in.end();
  return request;
}

}  // namespace covey
