#pragma once

#include <algorithm>
#include <iterator>

#include "anf_ir.pb.h"
#include "ckpt/tensor.h"

/// The types of elements in a graph.meta.
namespace ckpt::graph {

struct MetaType {
  DType dtype = DType::unknown;
  anf_ir::DataType number = anf_ir::DT_UNDEFINED;
};

// DT_BASE_FLOAT and the like do not say how wide they are.
inline constexpr MetaType kMetaTypes[] = {
    {DType::boolean, anf_ir::DT_BOOL},          {DType::int8, anf_ir::DT_INT8},
    {DType::int16, anf_ir::DT_INT16},           {DType::int32, anf_ir::DT_INT32},
    {DType::int64, anf_ir::DT_INT64},           {DType::uint8, anf_ir::DT_UINT8},
    {DType::uint16, anf_ir::DT_UINT16},         {DType::uint32, anf_ir::DT_UINT32},
    {DType::uint64, anf_ir::DT_UINT64},         {DType::float16, anf_ir::DT_FLOAT16},
    {DType::float32, anf_ir::DT_FLOAT32},       {DType::float64, anf_ir::DT_FLOAT64},
    {DType::bfloat16, anf_ir::DT_BFLOAT16},     {DType::complex64, anf_ir::DT_COMPLEX64},
    {DType::complex128, anf_ir::DT_COMPLEX128},
};

/// By either of them; that of no type where there is none.
template <class Value>
MetaType find_meta_type(Value MetaType::*by, Value value) {
  const auto at = std::ranges::find(kMetaTypes, value, by);
  return at == std::end(kMetaTypes) ? MetaType{} : *at;
}

}  // namespace ckpt::graph
