#include "ops/onnx_types.h"

#include <algorithm>
#include <string>

#include "ops/rules.h"

namespace ckpt::graph {
namespace {

enum Kinds : unsigned {
  kBool = 1,
  kReal = 2,     // Float16, Float32, Float64
  kBrain = 4,    // BFloat16
  kWide = 8,     // integers of 32 and 64 bits
  kSigned = 16,  // the narrow ones
  kByte = 32,
  kUnsigned = 64,
  kFloat = kReal | kBrain,
  kNumber = kFloat | kWide | kSigned | kByte | kUnsigned,
};

unsigned kind_of(DType dtype) noexcept {
  switch (dtype) {
    case DType::boolean:
      return kBool;
    case DType::float16:
    case DType::float32:
    case DType::float64:
      return kReal;
    case DType::bfloat16:
      return kBrain;
    case DType::int32:
    case DType::int64:
    case DType::uint32:
    case DType::uint64:
      return kWide;
    case DType::int8:
    case DType::int16:
      return kSigned;
    case DType::uint8:
      return kByte;
    case DType::uint16:
      return kUnsigned;
    default:
      return 0;
  }
}

/// Which types the inputs have that must be of one: `count` of them from `first` on.
struct Row {
  std::string_view ops;  // between spaces
  unsigned at_13, later;
  std::size_t first = 0, count = 99;
};

constexpr Row kRows[] = {
    {" And Or Xor Not ", kBool, kBool},
    {" Add Sub Mul Div ", kFloat | kWide, kNumber},
    {" Relu ", kFloat, kFloat | kWide | kSigned},
    {" Conv ConvTranspose AveragePool GlobalAveragePool GlobalMaxPool Elu Selu Softplus Softsign HardSigmoid "
     "LeakyRelu ",
     kReal, kReal},
    {" Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Round HardSwish Gelu Mish LpNormalization LRN "
     "GridSample ",
     kReal, kReal},
    {" Exp Log Sqrt Sigmoid Tanh Softmax LogSoftmax Ceil Floor Reciprocal Sum LayerNormalization ", kFloat, kFloat},
    {" BatchNormalization GroupNormalization ", kReal, kFloat, 0, 1},
    {" LSTM ", kReal, kReal, 0, 4},
    {" MaxPool ", kReal | kSigned | kByte, kReal | kSigned | kByte, 0, 1},
    {" MatMul Gemm PRelu ", kFloat | kWide, kFloat | kWide},
    {" Neg ", kFloat | kWide | kSigned, kFloat | kWide | kSigned},
    {" Abs Sign Erf Max Min Mod Clip Less Greater LessOrEqual GreaterOrEqual ", kNumber, kNumber},
    {" Equal ", kNumber | kBool, kNumber | kBool},
    {" Where ", kNumber | kBool, kNumber | kBool, 1, 2},
    {" Concat ", kNumber | kBool, kNumber | kBool},
    {" ReduceMean ReduceSum ReduceProd CumSum ", kFloat | kWide, kFloat | kWide, 0, 1},
    {" ReduceMax ReduceMin ", kFloat | kWide | kSigned | kByte, kFloat | kWide | kSigned | kByte, 0, 1},
    {" BitwiseAnd BitwiseOr BitwiseXor ", kWide | kSigned | kByte | kUnsigned, kWide | kSigned | kByte | kUnsigned},
    {" ReduceL1 ReduceL2 ", kFloat | kWide, kFloat | kWide, 0, 1},
    {" Pow ", kFloat | kWide, kFloat | kWide, 0, 1},
    {" TopK ArgMax ArgMin ", kNumber, kNumber, 0, 1},
};

bool lists(const Row& row, std::string_view op) {
  const std::size_t at = row.ops.find(op);
  return at != row.ops.npos && at > 0 && row.ops[at - 1] == ' ' && row.ops[at + op.size()] == ' ';
}

}  // namespace

Status check_onnx_types(const Target::Step& step, std::span<const Target::Output> values, int opset) {
  const auto row = std::ranges::find_if(kRows, [&](const Row& each) { return lists(each, step.op); });
  if (row == std::end(kRows)) return {};
  const unsigned taken = opset == 13 ? row->at_13 : row->later;
  DType one = DType::unknown;
  for (std::size_t i = row->first; i < std::min(step.inputs.size(), row->first + row->count); ++i) {
    if (step.inputs[i] == Target::kNothing) continue;
    const DType dtype = values[step.inputs[i]].type.dtype;
    if (dtype == DType::unknown) continue;
    if ((kind_of(dtype) & taken) == 0) {
      return refuse("ONNX's " + step.op + " of opset " + std::to_string(opset) + " takes no " +
                    std::string(name(dtype)));
    }
    if (one != DType::unknown && dtype != one) {
      return refuse("ONNX's " + step.op + " takes values of one type, not " + std::string(name(one)) + " and " +
                    std::string(name(dtype)));
    }
    one = dtype;
  }
  return {};
}

}  // namespace ckpt::graph
