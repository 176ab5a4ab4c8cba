#pragma once

#include <cstdint>

#include "ckpt/error.h"
#include "ckpt/tensor.h"

namespace ckpt {

/// Whether Writer::begin takes an entry: what no MindSpore could read, and what this library's reader would refuse by
/// default, is Errc::usage or mismatch.
Status check_writable(const TensorDesc& desc, std::uint64_t byte_size);

}  // namespace ckpt
