#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ckpt/checkpoint.h"
#include "graph.h"
#include "made_up_source.h"

namespace ckpt::test {

/// Names, types and shapes of a checkpoint, over bytes that count up. Records of maps and strings it has none.
class MadeUpCheckpoint {
 public:
  MadeUpCheckpoint& add(std::string name, std::vector<std::int64_t> dims, DType dtype = DType::float32,
                        Encoding encoding = Encoding::raw) {
    TensorInfo tensor;
    tensor.name = std::move(name);
    tensor.dims = std::move(dims);
    tensor.dtype = dtype;
    tensor.encoding = encoding;
    tensor.byte_size = tensor.expected_size().value();
    tensor.stored_size = encoding == Encoding::raw ? tensor.byte_size : 2 * tensor.byte_size;
    tensor.extents = {{.source = 0, .offset = 0, .size = tensor.stored_size}};
    size_ = std::max(size_, tensor.stored_size);
    tensors_.push_back(std::move(tensor));
    return *this;
  }

  /// What a network asks for.
  MadeUpCheckpoint& add_parameters_of(const graph::Graph& network) {
    for (const graph::Value& value : network.values) {
      if (value.kind != graph::ValueKind::parameter) continue;
      std::vector<std::int64_t> dims;
      for (const graph::Dim& dim : value.type.dims) dims.push_back(dim.size);
      add(value.name, std::move(dims), value.type.dtype);
    }
    return *this;
  }

  std::shared_ptr<const Checkpoint> make() const {
    Bytes pattern;
    for (int i = 0; i < 256; ++i) pattern.push_back(static_cast<char>(i));
    auto source = std::make_shared<MadeUpSource>();
    source->add_run(pattern, size_);
    auto file = Checkpoint::from_index({source}, tensors_);
    return file ? std::make_shared<const Checkpoint>(std::move(*file)) : nullptr;
  }

 private:
  std::uint64_t size_ = 1;
  std::vector<TensorInfo> tensors_ = {};
};

}  // namespace ckpt::test
