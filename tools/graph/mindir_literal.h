#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "anf.h"
#include "ckpt/error.h"
#include "mind_ir.pb.h"
#include "strip_payloads.h"

/// Values in MindIR files: attributes, constants, and what is recorded of results.
namespace ckpt::graph {

/// DType::unknown for what has no counterpart.
DType dtype_of(std::int32_t mindir_type) noexcept;

/// dtype and dims; unknown (no dims, no dtype) where even the number of dims is not recorded.
Type type_of(const mind_ir::TensorProto& tensor);

/// Values that are not raw bytes but numbers in the field of their type; empty where there are none.
Result<std::optional<Contents>> numbers_of(const mind_ir::TensorProto& tensor, const Type& type);

/// What values are read with: where payloads are, and how many values may still be made. One takes more memory than the
/// byte that it may have been.
struct ValueReading {
  const Stripped& payloads;
  std::size_t left = std::size_t{1} << 22;
};

/// Of any release: 1.x says in ref_attr_name how a value is put together, 2.x nests.
Result<Literal> literal_of(const mind_ir::AttributeProto& attribute, ValueReading& reading);

Recorded recorded_of(const mind_ir::AttributeProto& attribute);

}  // namespace ckpt::graph
