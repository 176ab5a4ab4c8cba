#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "ckpt/tensor.h"

/// The types of Ascend's graph engine, which counts them in two ways.
namespace ckpt::graph {

struct GeType {
  DType dtype = DType::unknown;
  int descriptor = 0;           ///< in tensors' descriptors: ge.proto.DataType; 0: DT_UNDEFINED
  std::int64_t attribute = -1;  ///< in attributes: ge::DataType; -1: none
};

inline constexpr GeType kGeTypes[] = {
    {DType::float32, 1, 0},     {DType::float16, 2, 1},      {DType::int8, 3, 2},       {DType::int32, 7, 3},
    {DType::uint8, 4, 4},       {DType::int16, 5, 6},        {DType::uint16, 6, 7},     {DType::uint32, 9, 8},
    {DType::int64, 8, 9},       {DType::uint64, 10, 10},     {DType::float64, 12, 11},  {DType::boolean, 11, 12},
    {DType::complex64, 16, 16}, {DType::complex128, 17, 17}, {DType::bfloat16, 27, 27},
};

/// By any of the three; that of no type where there is none.
template <class Value>
GeType find_ge_type(Value GeType::*by, Value value) {
  const auto at = std::ranges::find(kGeTypes, value, by);
  return at == std::end(kGeTypes) ? GeType{} : *at;
}

}  // namespace ckpt::graph
