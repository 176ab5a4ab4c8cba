#include "operator_cases.h"

#include "ops/rules.h"

namespace ckpt::graph::test {

namespace {

constexpr DType kInt32 = DType::int32;
constexpr DType kInt64 = DType::int64;
constexpr DType kBool = DType::boolean;

Attr words(const char* text) { return std::string(text); }
Attr whole(std::int64_t number) { return number; }

using Cases = std::vector<OperatorCase>;

void append(Cases& to, Cases from) { to.insert(to.end(), from.begin(), from.end()); }

Cases convolutions() {
  const Type image = f32({-1, 4, 13, 15});
  const Attrs same{{"pad_mode", words("same")}, {"stride", Ints{1, 1, 2, 2}}};
  const Attrs asymmetric{{"pad_mode", words("pad")}, {"pad", Ints{0, 1, 2, 3}}, {"stride", Ints{2, 2}}};
  return {
      {"BiasAdd", {image, f32({4})}, {}, {image}},
      {"Conv2D", {image, f32({6, 4, 3, 5})}, {}, {f32({-1, 6, 11, 11})}},
      {"Conv2D", {image, f32({6, 4, 3, 5})}, same, {f32({-1, 6, 7, 8})}},
      {"Conv2D", {image, f32({6, 4, 3, 3})}, asymmetric, {f32({-1, 6, 6, 9})}},
      {"Conv2D", {image, f32({6, 2, 3, 3})}, {{"groups", whole(2)}, {"pad_mode", whole(1)}}, {f32({-1, 6, 13, 15})}},
      {"Conv3D",
       {f32({1, 2, 6, 7, 8}), f32({4, 2, 3, 3, 3})},
       {{"pad_mode", words("same")}, {"stride", Ints{2, 2, 2}}, {"strides", Ints{1, 1, 2, 2, 2}}},
       {f32({1, 4, 3, 4, 4})}},
      {"Conv1DExt", {f32({-1, 4, 9}), f32({6, 4, 3}), f32({6})}, {{"padding", whole(1)}}, {f32({-1, 6, 9})}},
      {"Conv2DExt", {image, f32({6, 4, 3, 3}), f32({6})}, {{"dilation", Ints{2, 1}}}, {f32({-1, 6, 9, 13})}},
      {"Conv3DExt", {f32({1, 2, 6, 7, 8}), f32({4, 2, 3, 3, 3})}, {}, {f32({1, 4, 4, 5, 6})}},
      {"Conv1DPadding", {f32({-1, 4, 9}), f32({6, 4, 3})}, {{"padding", words("same")}}, {f32({-1, 6, 9})}},
      {"Conv2DPadding", {image, f32({6, 4, 3, 3})}, {{"padding", words("valid")}}, {f32({-1, 6, 11, 13})}},
      {"Conv3DPadding", {f32({1, 2, 6, 7, 8}), f32({4, 2, 3, 3, 3})}, {}, {f32({1, 4, 4, 5, 6})}},
      {"Conv2DTranspose",
       {f32({-1, 4, 6, 7}), f32({4, 3, 3, 3})},
       {{"pad_mode", words("SAME")}, {"stride", Ints{1, 1, 2, 2}}, {"input_sizes", Ints{2, 3, 12, 14}}},
       {f32({-1, 3, 12, 14})}},
      {"Conv2DBackpropInput",
       {f32({-1, 4, 6, 7}), f32({4, 3, 3, 3})},
       {{"pad_mode", words("SAME")}, {"stride", Ints{1, 1, 2, 2}}, {"input_sizes", Ints{2, 3, 12, 14}}},
       {f32({-1, 3, 12, 14})}},
      {"Conv2DTranspose",
       {f32({-1, 4, 6, 7}), f32({4, 3, 4, 4})},
       {{"stride", Ints{1, 1, 2, 2}}},
       {f32({-1, 3, 14, 16})}},
      {"Conv3DTranspose",
       {f32({1, 2, 4, 5, 6}), f32({2, 3, 3, 3, 3})},
       {{"pad_mode", words("same")}, {"stride", Ints{2, 2, 2}}, {"strides", Ints{1, 1, 2, 2, 2}}},
       {f32({1, 3, 8, 10, 12})}},
      {"Conv3DTranspose",
       {f32({1, 2, 4, 5, 6}), f32({2, 3, 3, 4, 2})},
       {{"pad_mode", words("pad")},
        {"pad_list", Ints{1, 1, 1, 1, 1, 1}},
        {"stride", Ints{2, 2, 2}},
        {"output_padding", Ints{0, 0, 1, 0, 1}}},
       {f32({1, 3, 8, 10, 11})}},
      {"ConvTranspose2D",
       {f32({-1, 4, 6, 7}), f32({4, 3, 3, 3})},
       {{"stride", whole(2)}, {"padding", whole(1)}, {"output_padding", whole(1)}},
       {f32({-1, 3, 12, 14})}},
      {"Convolution", {image, f32({6, 4, 3, 3})}, {{"padding", Ints{1, 1}}}, {f32({-1, 6, 13, 15})}},
      {"Convolution", {image, f32({4, 6, 3, 3})}, {{"transposed", true}}, {f32({-1, 6, 15, 17})}},
      {"ConvolutionStr", {image, f32({6, 4, 3, 3})}, {{"padding", words("same")}}, {f32({-1, 6, 13, 15})}},
      {"DepthwiseConv2dNative", {image, f32({2, 4, 3, 3})}, {{"pads", Ints{0, 0, 0, 0}}}, {f32({-1, 8, 11, 13})}},
  };
}

Cases pools() {
  const Type image = f32({-1, 4, 13, 15});
  const Type volume = f32({-1, 4, 1, 13, 15});
  const Attrs two{{"ksize", Ints{1, 1, 2, 2}}, {"strides", Ints{1, 1, 2, 2}}, {"padding", words("VALID")}};
  const Attrs same{{"kernel_size", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"pad_mode", whole(1)}};
  const Attrs padded{{"kernel_size", Ints{1, 1, 1, 3, 3}},
                     {"strides", Ints{1, 1, 1, 2, 2}},
                     {"pad_mode", words("PAD")},
                     {"pad_list", Ints{0, 0, 1, 1, 1, 1}},
                     {"ceil_mode", true},
                     {"divisor_override", whole(0)}};
  const Attrs window{{"kernel_size", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"pads", Ints{1, 1}}, {"ceil_mode", true}};
  const Attrs ext{{"kernel_size", Ints{3, 3}}, {"stride", Ints{2, 2}}, {"padding", Ints{1, 1}}};
  const Type half = f32({-1, 4, 7, 8});
  const Type places = typed(kInt64, {-1, 4, 7, 8});
  return {
      {"AdaptiveAvgPool1D", {f32({-1, 4, 12})}, {{"output_size", whole(3)}}, {f32({-1, 4, 3})}},
      {"AdaptiveAvgPool2D", {image}, {{"output_size", Ints{3, 4}}}, {f32({-1, 4, 3, 4})}},
      {"AdaptiveAvgPool2D", {image}, {{"output_size", Ints{1, 1}}}, {f32({-1, 4, 1, 1})}},
      {"AdaptiveMaxPool1D", {f32({-1, 4, 12})}, {{"output_size", whole(3)}}, {f32({-1, 4, 3})}},
      {"AdaptiveAvgPool3D", {f32({-1, 4, 7, 13, 15})}, {{"output_size", Ints{2, 3, 4}}}, {f32({-1, 4, 2, 3, 4})}},
      {"AdaptiveAvgPool3D", {f32({-1, 4, 7, 13, 15})}, {{"output_size", Ints{1, 1, 1}}}, {f32({-1, 4, 1, 1, 1})}},
      {"AdaptiveMaxPool2D", {f32({-1, 4, 12, 8})}, {{"output_size", Ints{3, 4}}}, {f32({-1, 4, 3, 4})}},
      {"AdaptiveMaxPool2D", {f32({-1, 4, 13, 15})}, {{"output_size", Ints{3, 4}}}, {f32({-1, 4, 3, 4})}},
      {"AvgPool", {image}, two, {f32({-1, 4, 6, 7})}},
      {"AvgPool", {image}, same, {half}},
      {"AvgPool1D", {f32({-1, 4, 11})}, {{"kernel_size", whole(3)}}, {f32({-1, 4, 3})}},
      {"AvgPool2D", {image}, ext, {half}},
      {"AvgPool3D", {volume}, padded, {f32({-1, 4, 1, 7, 8})}},
      {"AvgPool3D",
       {f32({-1, 2, 6, 7, 8})},
       {{"kernel_size", Ints{3, 3, 3}}, {"strides", Ints{2, 2, 2}}, {"pad_mode", words("SAME")}},
       {f32({-1, 2, 3, 4, 4})}},
      {"AvgPool3DExt", {volume}, {{"kernel_size", Ints{1, 2, 2}}}, {f32({-1, 4, 1, 6, 7})}},
      {"FuncMaxPool2D", {image}, ext, {half}},
      {"MaxPool", {image}, two, {f32({-1, 4, 6, 7})}},
      {"MaxPool", {image}, same, {half}},
      {"MaxPool3D",
       {volume},
       {{"kernel_size", Ints{1, 3, 3}}, {"strides", Ints{1, 2, 2}}, {"pad_mode", words("SAME")}},
       {f32({-1, 4, 1, 7, 8})}},
      {"MaxPool3DWithArgmax",
       {volume},
       {{"ksize", Ints{1, 3, 3}}, {"strides", Ints{1, 2, 2}}, {"pads", Ints{0, 1, 1}}},
       {f32({-1, 4, 1, 7, 8})}},
      {"MaxPoolWithArgmax",
       {image},
       {{"ksize", Ints{1, 2, 3, 1}}, {"strides", Ints{1, 2, 3, 1}}, {"padding", words("VALID")}},
       {f32({-1, 4, 6, 5})}},
      {"MaxPoolWithArgmaxV2", {image}, window, {half}},
      {"MaxPoolWithIndices", {image}, window, {half}},
      {"MaxPoolWithMask", {image}, window, {half}},
  };
}

Cases activations() {
  const Type x = f32({-1, 3, 4});
  Cases cases;
  for (const char* op :
       {"CeLU",    "Elu",      "FastGeLU",     "GeLU",       "GeluExt",    "HShrink",       "HSigmoid",
        "HSwish",  "Hardtanh", "LeakyReLUExt", "LogSigmoid", "LogSoftmax", "LogSoftmaxExt", "Mish",
        "ReLU",    "ReLU6",    "ReLUV2",       "SeLU",       "SiLU",       "Sigmoid",       "SoftShrink",
        "Softmax", "Softplus", "SoftplusExt",  "Softsign",   "Tanh"}) {
    cases.push_back({op, {x}, {}, {x}});
  }
  append(cases, {
                    {"GeluExt", {x}, {{"approximate", whole(1)}}, {x}},
                    {"GLU", {x}, {}, {f32({-1, 3, 2})}},
                    {"Swiglu", {x}, {}, {f32({-1, 3, 2})}},
                    {"LogSoftmax", {x}, {{"axis", whole(1)}}, {x}},
                    {"PReLU", {f32({-1, 3, 4, 4}), f32({3})}, {}, {f32({-1, 3, 4, 4})}},
                    {"PReLU", {x, f32({1})}, {}, {x}},
                    {"Softmax", {x}, {{"axis", Ints{1, 2}}}, {x}},
                    {"SoftplusExt", {x}, {{"beta", 2.0}}, {x}},
                    {"Threshold", {x}, {{"threshold", 0.3}, {"value", whole(7)}}, {x}},
                });
  return cases;
}

Cases norms() {
  const Type image = f32({-1, 4, 5, 6});
  const Type c = f32({4});
  const Type x = f32({-1, 3, 4});
  return {
      {"BatchNorm", {image, c, c, c, c}, {{"is_training", false}}, {image}},
      {"BatchNorm", {f32({-1, 4}), c, c, c, c}, {}, {f32({-1, 4})}},
      {"BatchNormExt", {image, Type{}, Type{}, c, c}, {}, {image}},
      {"GroupNorm", {image, c, c}, {{"num_groups", whole(2)}}, {image}},
      {"L2Normalize", {x}, {{"axis", Ints{1}}}, {x}},
      {"LRN",
       {image},
       {{"depth_radius", whole(1)}, {"alpha", 0.5}, {"norm_region", words("ACROSS_CHANNELS")}},
       {image}},
      {"LayerNorm", {x, c, c}, {{"begin_norm_axis", whole(-1)}, {"begin_params_axis", whole(-1)}}, {x}},
      {"LayerNorm", {x, c, c}, {{"begin_norm_axis", whole(1)}, {"begin_params_axis", whole(2)}}, {x}},
      {"LayerNormExt", {x, f32({3, 4}), f32({3, 4})}, {{"normalized_shape", Ints{3, 4}}}, {x}},
      {"LayerNormExt", {x}, {{"normalized_shape", Ints{4}}}, {x}},
      {"RmsNorm", {x, c}, {}, {x}},
  };
}

Cases unary() {
  const Type x = f32({-1, 3, 4});
  Cases cases;
  for (const char* op :
       {"ACos",  "Abs",        "Acosh", "Asin",     "Asinh", "Atan",   "Atanh",     "Ceil",       "Cos",
        "Cosh",  "Erf",        "Erfc",  "Exp",      "Exp2",  "Expm1",  "Floor",     "Log",        "Log10",
        "Log1p", "Log2",       "Neg",   "OnesLike", "Round", "Rsqrt",  "Sign",      "Identity",   "Sin",
        "Sinh",  "Reciprocal", "Sqrt",  "Tan",      "Trunc", "Square", "ZerosLike", "ClampScalar"}) {
    cases.push_back({op, {x}, {}, {x}});
  }
  const Type truth = typed(kBool, {-1, 3, 4});
  append(cases, {
                    {"Cast", {x}, {{"dst_type", whole(34)}}, {typed(kInt32, {-1, 3, 4})}},
                    {"ClampScalar", {x}, {{"min", -1.0}, {"max", whole(2)}}, {x}},
                    {"ClampTensor", {x, f32({4}), Type{}}, {}, {x}},
                    {"Floor", {typed(kInt32, {3})}, {}, {typed(kInt32, {3})}},
                    {"IsFinite", {x}, {}, {truth}},
                    {"IsInf", {x}, {}, {truth}},
                    {"IsNan", {x}, {}, {truth}},
                    {"L2Loss", {x}, {}, {f32({})}},
                    {"LogicalNot", {truth}, {}, {truth}},
                    {"Log", {x}, {{"base", 2.0}, {"scale", 3.0}, {"shift", 0.5}}, {x}},
                    {"Logit", {x}, {}, {x}},
                    {"Logit", {x}, {{"eps", 0.1}}, {x}},
                    {"NanToNum", {x}, {}, {x}},
                    {"NanToNum", {x}, {{"nan", 1.0}, {"posinf", 2.0}, {"neginf", 3.0}}, {x}},
                    {"Sqrt", {typed(kInt32, {3})}, {}, {f32({3})}},
                });
  return cases;
}

Cases binary() {
  const Type x = f32({-1, 3, 4});
  const Type row = f32({4});
  const Type truth = typed(kBool, {-1, 3, 4});
  const Type whole_numbers = typed(kInt32, {2, 3});
  Cases cases;
  for (const char* op : {"Add",
                         "AddExt",
                         "Atan2",
                         "Div",
                         "DivMod",
                         "FloorDiv",
                         "FloorMod",
                         "FmodTensor",
                         "Maximum",
                         "Minimum",
                         "Mod",
                         "Mul",
                         "Pow",
                         "RealDiv",
                         "RemainderTensorTensor",
                         "SquaredDifference",
                         "Sub",
                         "SubExt",
                         "Hypot",
                         "TruncateDiv",
                         "TruncateMod",
                         "Xlogy"}) {
    cases.push_back({op, {x, row}, {}, {x}});
  }
  for (const char* op : {"Equal", "Greater", "GreaterEqual", "Less", "LessEqual", "NotEqual"}) {
    cases.push_back({op, {row, x}, {}, {truth}});
  }
  for (const char* op : {"LogicalAnd", "LogicalOr", "LogicalXor", "BitwiseAnd", "BitwiseOr", "BitwiseXor"})
    cases.push_back({op, {truth, truth}, {}, {truth}});
  for (const char* op : {"LogicalAnd", "LogicalOr"}) cases.push_back({op, {x, truth}, {}, {truth}});
  for (const char* op :
       {"AddScalar", "DivMods", "Divs", "FloorDivScalar", "FmodScalar", "Muls", "RemainderTensorScalar", "SubScalar"}) {
    cases.push_back({op, {x}, {{"other", 0.5}}, {x}});
  }
  for (const char* op : {"EqScalar", "GreaterEqualScalar", "LessScalar"}) {
    cases.push_back({op, {x}, {{"other", whole(0)}}, {truth}});
  }
  append(cases, {
                    {"AddExt", {x, x}, {{"alpha", 2.0}}, {x}},
                    {"BitwiseAnd", {whole_numbers, whole_numbers}, {}, {whole_numbers}, 99, 18},
                    {"BitwiseOr", {whole_numbers, whole_numbers}, {}, {whole_numbers}, 99, 18},
                    {"BitwiseXor", {whole_numbers, whole_numbers}, {}, {whole_numbers}, 99, 18},
                    {"IsClose", {x, row}, {{"rtol", 0.5}}, {truth}},
                    {"IsClose", {x, x}, {{"equal_nan", true}}, {truth}},
                    {"LessScalar", {whole_numbers}, {{"other", 1.5}}, {typed(kBool, {2, 3})}},
                    {"Mul", {truth, truth}, {}, {truth}},
                    {"Muls", {whole_numbers}, {{"other", 0.5}}, {f32({2, 3})}},
                    {"TruncateDiv", {whole_numbers, whole_numbers}, {}, {whole_numbers}},
                    {"TruncateMod", {whole_numbers, whole_numbers}, {}, {whole_numbers}},
                    {"AddN", {x, x, x}, {}, {x}},
                    {"AddN", {whole_numbers, whole_numbers}, {}, {whole_numbers}},
                    {"Addcdiv", {x, x, x, f32({})}, {}, {x}},
                    {"Addcmul", {x, x, x, f32({})}, {}, {x}},
                    {"DivMod", {x, x}, {{"rounding_mode", words("trunc")}}, {x}},
                    {"Divs", {whole_numbers}, {{"other", whole(2)}}, {f32({2, 3})}},
                    {"FloorDiv", {whole_numbers, whole_numbers}, {}, {whole_numbers}},
                    {"FloorMod", {whole_numbers, whole_numbers}, {}, {whole_numbers}},
                    {"Lerp", {x, x, f32({})}, {}, {x}},
                    {"LerpScalar", {x, x}, {{"weight", 0.3}}, {x}},
                    {"MaskedFill", {x, truth, f32({})}, {}, {x}},
                    {"MaskedFillScalar", {x, truth}, {{"value", 9.0}}, {x}},
                    {"Mul", {typed(kInt32, {2, 3}), f32({3})}, {}, {f32({2, 3})}},
                    {"PowScalarTensor", {x}, {{"input", 2.0}}, {x}},
                    {"PowTensorScalar", {x}, {{"exponent", 1.5}}, {x}},
                    {"RemainderScalarTensor", {x}, {{"input", 2.0}}, {x}},
                    {"Select", {truth, x, row}, {}, {x}},
                });
  return cases;
}

Cases products() {
  const Attrs both{{"transpose_x1", true}, {"transpose_x2", true}};
  return {
      {"MatMul", {f32({-1, 4}), f32({4, 5})}, {}, {f32({-1, 5})}},
      {"MatMul", {f32({4, 3}), f32({5, 4})}, both, {f32({3, 5})}},
      {"BatchMatMul", {f32({-1, 2, 3, 4}), f32({-1, 2, 4, 5})}, {}, {f32({-1, 2, 3, 5})}},
      {"BatchMatMul", {f32({-1, 4, 3}), f32({-1, 5, 4})}, both, {f32({-1, 3, 5})}},
      {"MatMulExt", {f32({-1, 3, 4}), f32({4})}, {}, {f32({-1, 3})}},
      {"MatMulExt", {f32({-1, 3, 4}), f32({4, 5})}, {}, {f32({-1, 3, 5})}},
      {"MatMulExt", {f32({-1, 2, 3, 4}), f32({-1, 2, 4, 5})}, {}, {f32({-1, 2, 3, 5})}},
      {"Dense", {f32({-1, 4}), f32({5, 4}), f32({5})}, {}, {f32({-1, 5})}},
      {"Dense", {f32({-1, 3, 4}), f32({5, 4})}, {}, {f32({-1, 3, 5})}},
      {"Baddbmm", {f32({5}), f32({2, 3, 4}), f32({2, 4, 5})}, {{"beta", 0.5}}, {f32({2, 3, 5})}},
      {"Outer", {f32({3}), f32({4})}, {}, {f32({3, 4})}},
  };
}

Cases reductions() {
  const Type x = f32({-1, 3, 4});
  const Type truth = typed(kBool, {-1, 3, 4});
  const Attrs middle{{"axis", whole(1)}};
  const Attrs kept{{"axis", Ints{1, -1}}, {"keep_dims", true}};
  const Attrs dim{{"dim", whole(1)}};
  Cases cases;
  for (const char* op : {"ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceStd"}) {
    cases.push_back({op, {x}, middle, {f32({-1, 4})}});
    cases.push_back({op, {f32({2, 3, 4})}, kept, {f32({2, 1, 1})}});
  }
  for (const char* op :
       {"MeanExt", "ProdExt", "SumExt", "Std", "StdMean", "Var", "VarMean", "LogSumExp", "MaxDim", "MinDim"}) {
    cases.push_back({op, {x}, dim, {f32({-1, 4})}});
  }
  for (const std::int64_t p : {1, 2, 3}) {
    cases.push_back({"LpNorm", {x}, {{"axis", Ints{1}}, {"p", whole(p)}}, {f32({-1, 4})}});
  }
  for (const bool descending : {false, true}) {
    const Attrs how{{"axis", whole(1)}, {"descending", descending}};
    cases.push_back({"Sort", {x}, how, {x, typed(kInt32, {-1, 3, 4})}});
    cases.push_back({"SortExt", {x}, {{"dim", whole(0)}, {"descending", descending}}, {x, typed(kInt64, {-1, 3, 4})}});
  }
  for (const char* op : {"ReduceAll", "ReduceAny"}) cases.push_back({op, {truth}, middle, {typed(kBool, {-1, 4})}});
  for (const char* op : {"Argmax", "Argmin"}) cases.push_back({op, {x}, middle, {typed(kInt32, {-1, 4})}});
  for (const char* op : {"ArgMaxExt", "ArgMinExt"}) {
    cases.push_back({op, {x}, dim, {typed(kInt64, {-1, 4})}});
    cases.push_back({op, {x}, {}, {typed(kInt64, {})}});
  }
  for (const char* op : {"ArgMaxWithValue", "ArgMinWithValue"}) {
    cases.push_back({op, {x}, {{"axis", whole(1)}, {"keep_dims", true}}, {typed(kInt32, {-1, 1, 4}), f32({-1, 1, 4})}});
  }
  append(cases, {
                    {"CumProd", {x}, middle, {x}},
                    {"CumProd", {x}, {{"axis", whole(2)}, {"exclusive", true}, {"reverse", true}}, {x}},
                    {"CumSum", {x}, middle, {x}},
                    {"CumsumExt", {x}, dim, {x}},
                    {"SquareSumAll", {x, x}, {}, {f32({}), f32({})}},
                    {"Max", {x}, {}, {f32({})}},
                    {"Min", {x}, {}, {f32({})}},
                    {"MaxDim", {x}, dim, {f32({-1, 4}), typed(kInt64, {-1, 4})}},
                    {"ReduceMean", {x}, {}, {f32({})}},
                    {"ReduceSum", {x}, {{"skip_mode", true}}, {x}},
                    {"SumExt", {truth}, {}, {typed(kInt64, {})}},
                    {"TopK", {x}, {{"k", whole(2)}}, {f32({-1, 3, 2}), typed(kInt32, {-1, 3, 2})}},
                    {"TopkExt", {x}, {{"k", whole(2)}, {"dim", whole(1)}}, {f32({-1, 2, 4})}},
                    {"VarMean", {x}, dim, {f32({-1, 4}), f32({-1, 4})}},
                });
  return cases;
}

Cases shapes() {
  const Type x = f32({-1, 4, 6});
  const Type image = f32({-1, 16, 5, 5});
  return {
      {"BroadcastTo", {f32({-1, 1, 6})}, {{"shape", Ints{3, -1, 4, 6}}}, {f32({3, -1, 4, 6})}},
      {"ChannelShuffle", {image}, {{"group", whole(4)}}, {image}},
      {"Chunk", {x}, {{"chunks", whole(4)}, {"dim", whole(2)}}, {f32({-1, 4, 2}), f32({-1, 4, 2}), f32({-1, 4, 2})}},
      {"Concat", {x, f32({-1, 2, 6})}, {{"axis", whole(1)}}, {f32({-1, 6, 6})}},
      {"ExpandAs", {f32({4, 1}), x}, {}, {x}},
      {"ExpandDims", {x}, {{"axis", whole(-1)}}, {f32({-1, 4, 6, 1})}},
      {"Ones", {}, {{"shape", Ints{2, 3}}}, {f32({2, 3})}},
      {"Zeros",
       {f32({-1, 4})},
       {{"shape", Ints{asked_size({.input = 0, .axis = 0}), 3}}, {"dtype", whole(34)}},
       {typed(kInt32, {-1, 3})}},
      {"FillV2", {f32({})}, {{"shape", Ints{2, 3}}}, {f32({2, 3})}},
      {"Flatten", {image}, {}, {f32({-1, 400})}},
      {"FlattenExt", {image}, {{"start_dim", whole(1)}, {"end_dim", whole(2)}}, {f32({-1, 80, 5})}},
      {"Reshape", {image}, {{"shape", Ints{-1, 400}}}, {f32({-1, 400})}},
      {"Reshape", {image}, {{"shape", Ints{0, -1, 5}}}, {f32({-1, 80, 5})}},
      {"Split", {x}, {{"axis", whole(1)}, {"output_num", whole(2)}}, {f32({-1, 2, 6}), f32({-1, 2, 6})}},
      {"SplitTensor", {x}, {{"split_size", whole(3)}, {"dim", whole(1)}}, {f32({-1, 3, 6}), f32({-1, 1, 6})}},
      {"SplitWithSize", {x}, {{"split_size", Ints{1, 3}}, {"dim", whole(1)}}, {f32({-1, 1, 6}), f32({-1, 3, 6})}},
      {"Squeeze", {f32({-1, 1, 6})}, {{"axis", whole(1)}}, {f32({-1, 6})}},
      {"Squeeze", {f32({1, 3, 1})}, {}, {f32({3})}},
      {"Stack", {x, x}, {{"axis", whole(1)}}, {f32({-1, 2, 4, 6})}},
      {"TExt", {f32({-1, 4})}, {}, {f32({4, -1})}},
      {"Tile", {x}, {{"multiples", Ints{2, 1, 1, 3}}}, {f32({2, -1, 4, 18})}},
      {"Tile", {x}, {{"multiples", Ints{1, 2, 3}}}, {f32({-1, 8, 18})}},
      {"Transpose", {x}, {{"perm", Ints{0, 2, 1}}}, {f32({-1, 6, 4})}},
      {"TransposeExtView", {x}, {{"dim0", whole(1)}, {"dim1", whole(-1)}}, {f32({-1, 6, 4})}},
      {"Unstack", {x}, {{"axis", whole(1)}}, {f32({-1, 6}), f32({-1, 6}), f32({-1, 6}), f32({-1, 6})}},
  };
}

Cases indices() {
  const Type x = f32({-1, 4, 6});
  const Type index = typed(kInt32, {2, 3});
  const Attrs masks{{"begin", Ints{0, -1, 5}}, {"end", Ints{0, 0, 0}},       {"strides", Ints{1, 1, -2}},
                    {"begin_mask", whole(1)},  {"end_mask", whole(5 + 248)}, {"shrink_axis_mask", whole(2)}};
  const Attrs dots{{"begin", Ints{0, 0, 1}},
                   {"end", Ints{0, 0, 4}},
                   {"strides", Ints{1, 1, 1}},
                   {"ellipsis_mask", whole(1)},
                   {"new_axis_mask", whole(2)}};
  return {
      {"Embedding", {index, f32({7, 4})}, {}, {f32({2, 3, 4})}},
      {"Gather", {x, index}, {{"axis", whole(1)}}, {f32({-1, 2, 3, 6})}},
      {"Gather", {x, typed(kInt32, {-1, 3})}, {{"axis", whole(1)}, {"batch_dims", whole(1)}}, {f32({-1, 3, 6})}},
      {"GatherD", {x, typed(kInt32, {-1, 2, 6})}, {{"dim", whole(1)}}, {f32({-1, 2, 6})}},
      {"GatherNd", {x, typed(kInt32, {5, 2})}, {}, {f32({5, 6})}},
      {"IndexSelect", {x, typed(kInt32, {5})}, {{"dim", whole(2)}}, {f32({-1, 4, 5})}},
      {"Narrow", {x}, {{"dim", whole(1)}, {"start", whole(1)}, {"length", whole(2)}}, {f32({-1, 2, 6})}},
      {"OneHot", {index, f32({}), f32({})}, {{"depth", whole(7)}}, {f32({2, 3, 7})}},
      {"OneHotExt", {index, f32({}), f32({})}, {{"num_classes", whole(7)}, {"axis", whole(0)}}, {f32({7, 2, 3})}},
      {"ReverseSequence",
       {f32({-1, 4, 6}), typed(kInt32, {-1})},
       {{"seq_dim", whole(1)}, {"batch_dim", whole(0)}},
       {f32({-1, 4, 6})}},
      {"Roll", {x}, {{"shifts", Ints{-1, 8, 0}}, {"dims", Ints{1, -1, 1}}}, {x}},
      {"ReverseV2", {x}, {{"axis", Ints{0, 2}}}, {x}},
      {"SelectExtView", {x}, {{"dim", whole(1)}, {"index", whole(-1)}}, {f32({-1, 6})}},
      {"Slice", {x}, {{"begin", Ints{0, 1, 2}}, {"size", Ints{-1, 2, 4}}}, {f32({-1, 2, 4})}},
      {"SliceExt",
       {x},
       {{"dim", whole(2)}, {"start", whole(1)}, {"end", whole(std::int64_t{1} << 62)}, {"step", whole(2)}},
       {f32({-1, 4, 3})}},
      {"StridedSlice", {x}, masks, {f32({-1, 3})}},
      {"StridedSlice", {x}, dots, {f32({-1, 4, 1, 3})}},
  };
}

Cases pads() {
  const Type x = f32({-1, 4, 6, 8});
  const IntLists lists{{0, 0}, {0, 0}, {1, 2}, {0, 3}};
  Cases cases;
  const Type around = f32({-1, 4, 9, 11});
  for (const char* op : {"ConstantPadND", "ReflectionPad2D", "ReplicationPad2D"}) {
    cases.push_back({op, {x}, {{"padding", Ints{0, 3, 1, 2}}}, {around}});
  }
  for (const char* op : {"ReflectionPad1D", "ReplicationPad1D"}) {
    cases.push_back({op, {f32({-1, 4, 6})}, {{"padding", Ints{1, 2}}}, {f32({-1, 4, 9})}});
  }
  for (const char* op : {"ReflectionPad3D", "ReplicationPad3D"}) {
    cases.push_back({op, {f32({1, 2, 4, 4, 4})}, {{"padding", Ints{1, 1, 0, 1, 2, 0}}}, {f32({1, 2, 6, 5, 6})}});
  }
  append(cases, {
                    {"BatchToSpace",
                     {f32({8, 3, 4, 5})},
                     {{"block_size", whole(2)}, {"crops", IntLists{{0, 1}, {1, 0}}}},
                     {f32({2, 3, 7, 9})}},
                    {"SpaceToBatch",
                     {f32({2, 3, 5, 6})},
                     {{"block_size", whole(2)}, {"paddings", IntLists{{0, 1}, {1, 1}}}},
                     {f32({8, 3, 3, 4})}},
                    {"DepthToSpace", {f32({-1, 8, 3, 4})}, {{"block_size", whole(2)}}, {f32({-1, 2, 6, 8})}},
                    {"SpaceToDepth", {f32({-1, 2, 6, 8})}, {{"block_size", whole(2)}}, {f32({-1, 8, 3, 4})}},
                    {"PixelShuffle", {f32({-1, 8, 3, 4})}, {{"upscale_factor", whole(2)}}, {f32({-1, 2, 6, 8})}},
                    {"MirrorPad", {x}, {{"paddings", lists}, {"mode", words("REFLECT")}}, {around}},
                    {"MirrorPad", {x}, {{"paddings", lists}, {"mode", words("SYMMETRIC")}}, {around}},
                    {"Pad", {x}, {{"paddings", lists}}, {around}},
                    {"PadV3", {x, f32({})}, {{"paddings", Ints{0, 3, 1, 2}}}, {around}, 1},
                    {"PadV3", {x}, {{"paddings", Ints{0, 3, 1, 2}}, {"mode", words("circular")}}, {around}},
                });
  return cases;
}

Cases resizes() {
  const Type image = f32({-1, 2, 5, 7});
  const Type larger = f32({-1, 2, 10, 14});
  return {
      {"ResizeBilinearV2", {image}, {{"size", Ints{10, 14}}, {"half_pixel_centers", true}}, {larger}},
      {"ResizeNearestNeighborV2", {f32({2, 2, 5, 7})}, {{"size", Ints{10, 14}}}, {f32({2, 2, 10, 14})}},
      {"ResizeNearestNeighborV2",
       {f32({-1, 2, 100, 30})},
       {{"size", Ints{33, 10}}, {"half_pixel_centers", true}},
       {f32({-1, 2, 33, 10})}},
      {"ResizeBicubic", {image}, {{"size", Ints{10, 14}}, {"half_pixel_centers", true}}, {larger}},
      {"ResizeBicubic", {image}, {{"size", Ints{10, 14}}, {"align_corners", true}}, {larger}},
      {"ResizeLinear1D",
       {f32({-1, 2, 5})},
       {{"size", Ints{9}}, {"coordinate_transformation_mode", whole(2)}},
       {f32({-1, 2, 9})}},
      {"UpsampleLinear1D", {f32({-1, 2, 5})}, {{"output_size", Ints{9}}, {"align_corners", true}}, {f32({-1, 2, 9})}},
      {"UpsampleNearest1D", {f32({-1, 2, 5})}, {{"output_size", Ints{9}}}, {f32({-1, 2, 9})}},
      {"UpsampleNearest3D", {f32({1, 2, 3, 4, 5})}, {{"output_size", Ints{5, 6, 7}}}, {f32({1, 2, 5, 6, 7})}},
      {"UpsampleTrilinear3D",
       {f32({1, 2, 3, 4, 5})},
       {{"output_size", Ints{5, 6, 7}}, {"align_corners", true}},
       {f32({1, 2, 5, 6, 7})}},
      {"UpsampleBilinear2D", {image}, {{"output_size", Ints{10, 14}}}, {larger}},
      {"UpsampleNearest2D", {image}, {{"scales", Doubles{2, 2}}}, {larger}},
  };
}

Cases grids() {
  const Type image = f32({-1, 2, 5, 7});
  const Type places = f32({-1, 3, 4, 2});
  const Attrs border{{"interpolation_mode", whole(1)}, {"padding_mode", whole(1)}, {"align_corners", true}};
  return {
      {"GridSampler2D", {image, places}, {}, {f32({-1, 2, 3, 4})}, 99, 16},
      {"GridSampler2D", {image, places}, border, {f32({-1, 2, 3, 4})}, 99, 16},
      {"LinSpace", {f32({}), f32({})}, {{"num", whole(5)}}, {f32({5})}},
      {"LinSpace", {f32({}), f32({})}, {{"num", whole(1)}}, {f32({1})}},
      {"Meshgrid",
       {f32({-1}), f32({4}), f32({2})},
       {{"indexing", whole(0)}},
       {f32({-1, 4, 2}), f32({-1, 4, 2}), f32({-1, 4, 2})}},
      {"Meshgrid", {f32({3}), f32({4})}, {{"indexing", whole(1)}}, {f32({4, 3}), f32({4, 3})}},
  };
}

Cases diagonals() {
  const Type matrix = f32({-1, 4, 5});
  Cases cases;
  for (const char* op : {"Tril", "Triu"}) {
    cases.push_back({op, {matrix}, {}, {matrix}});
    cases.push_back({op, {matrix}, {{"diagonal", whole(-1)}}, {matrix}});
    cases.push_back({op, {typed(kInt32, {3, 4})}, {{"diagonal", whole(1)}}, {typed(kInt32, {3, 4})}});
    cases.push_back({op, {typed(kBool, {3, 4})}, {}, {typed(kBool, {3, 4})}});
  }
  append(cases, {
                    {"Diag", {f32({2, 3})}, {}, {f32({2, 3, 2, 3})}},
                    {"DiagPart", {f32({2, 3, 2, 3})}, {}, {f32({2, 3})}},
                    {"Diagonal", {f32({4, 5})}, {}, {f32({4})}},
                    {"Diagonal",
                     {f32({4, -1, 5})},
                     {{"offset", whole(2)}, {"dim1", whole(2)}, {"dim2", whole(0)}},
                     {f32({-1, 2})}},
                    {"Diagonal", {f32({4, 5})}, {{"offset", whole(-3)}}, {f32({1})}},
                    {"Eye", {}, {{"n", whole(3)}, {"m", whole(4)}, {"dtype", whole(43)}}, {f32({3, 4})}},
                    {"Trace", {f32({4, 5})}, {}, {f32({})}},
                });
  return cases;
}

Cases boxes() {
  const Type rows = f32({-1, 4});
  const Type features = f32({2, 3, 8, 8});
  return {
      {"BoundingBoxDecode", {rows, rows}, {{"max_shape", Ints{30, 25}}}, {rows}},
      {"BoundingBoxEncode", {rows, rows}, {{"means", Doubles{0.1, 0, 0.2, 0}}}, {rows}},
      {"CheckValid", {rows, f32({3})}, {}, {typed(kBool, {-1})}},
      {"IOU", {rows, f32({3, 4})}, {}, {f32({3, -1})}},
      {"IOU", {rows, f32({3, 4})}, {{"mode", words("iof")}}, {f32({3, -1})}},
      {"NMSWithMask", {f32({-1, 5})}, {}, {f32({-1, 5}), typed(kInt32, {-1}), typed(kBool, {-1})}},
      {"NMSWithMask", {f32({6, 5})}, {{"iou_threshold", 0.3}}, {f32({6, 5}), typed(kInt32, {6}), typed(kBool, {6})}},
      {"ROIAlign",
       {features, f32({-1, 5})},
       {{"pooled_height", whole(2)}, {"pooled_width", whole(3)}, {"spatial_scale", 0.5}, {"roi_end_mode", whole(0)}},
       {f32({-1, 3, 2, 3})}},
  };
}

Cases scattered() {
  const Type x = f32({-1, 3});
  const Type numbers = typed(kInt32, {-1});
  Cases cases;
  for (const char* op : {"UnsortedSegmentMax", "UnsortedSegmentMin", "UnsortedSegmentProd", "UnsortedSegmentSum"}) {
    cases.push_back({op, {x, numbers}, {{"num_segments", whole(4)}}, {f32({4, 3})}});
  }
  for (const char* op : {"TensorScatterAdd", "TensorScatterMul", "TensorScatterSub"}) {
    cases.push_back({op, {f32({5, 4}), typed(kInt32, {6, 1}), f32({6, 4})}, {}, {f32({5, 4})}, 99, 16});
  }
  for (const char* op : {"TensorScatterMax", "TensorScatterMin"}) {
    cases.push_back({op, {f32({5, 4}), typed(kInt32, {6, 1}), f32({6, 4})}, {}, {f32({5, 4})}, 99, 18});
  }
  append(cases, {
                    {"Scatter",
                     {f32({5, 4}), typed(kInt64, {2, 4}), f32({2, 4})},
                     {{"dim", whole(0)}, {"reduce", whole(0)}},
                     {f32({5, 4})}},
                    {"TensorScatterElements",
                     {f32({5, 4}), typed(kInt32, {2, 4}), f32({2, 4})},
                     {{"axis", whole(0)}, {"reduction", whole(1)}},
                     {f32({5, 4})},
                     99,
                     16},
                    {"TensorScatterUpdate", {f32({5, 4}), typed(kInt32, {1, 1}), f32({1, 4})}, {}, {f32({5, 4})}},
                    {"TensorScatterUpdate", {f32({-1, 4}), typed(kInt64, {1, 2}), f32({1})}, {}, {f32({-1, 4})}},
                    {"ScatterNd", {typed(kInt32, {-1, 1}), x}, {{"shape", Ints{5, 3}}}, {f32({5, 3})}},
                    {"ScatterNd", {typed(kInt32, {4, 2}), f32({4})}, {{"shape", Ints{5, 3}}}, {f32({5, 3})}},
                    {"UnsortedSegmentSum",
                     {typed(kInt32, {2, 3, 4}), typed(kInt64, {2, 3})},
                     {{"num_segments", whole(3)}},
                     {typed(kInt32, {3, 4})}},
                });
  return cases;
}

Cases recurrent() {
  const Type state = f32({1, -1, 8});
  const Type weights = f32({4 * 8 * (6 + 8 + 1), 1, 1});
  const Type steps = f32({5, -1, 8});
  return {{"DynamicRNN", {f32({5, -1, 6}), f32({14, 32}), f32({32})}, {}, {steps}},
          {"DynamicRNN", {f32({5, -1, 6}), f32({14, 32}), f32({32}), Type{}, state, state}, {}, {steps, steps}},
          {"LSTM",
           {f32({5, -1, 6}), state, state, weights},
           {{"input_size", whole(6)}, {"hidden_size", whole(8)}},
           {steps, state, state},
           3},
          // what GEIR can have of it
          {"LSTM",
           {f32({5, -1, 6}), state, state, weights},
           {{"input_size", whole(6)}, {"hidden_size", whole(8)}},
           {steps, state},
           3}};
}

Cases gradients() {
  const Type image = f32({-1, 4, 13, 15}), half = f32({-1, 6, 7, 8}), filter = f32({6, 4, 3, 5});
  const Type channels = f32({4}), logits = f32({-1, 10});
  const Attrs same{{"pad_mode", whole(1)}, {"stride", Ints{1, 1, 2, 2}}, {"kernel_size", Ints{3, 5}}};
  Attrs to_image = same, to_filter = same;
  to_image.emplace("input_sizes", Ints{2, 4, 13, 15});
  to_filter.emplace("filter_sizes", Ints{6, 4, 3, 5});
  const Attrs window{{"kernel_size", Ints{1, 1, 3, 3}}, {"strides", Ints{1, 1, 2, 2}}, {"pad_mode", words("SAME")}};
  const Type pooled = f32({-1, 4, 7, 8});
  return {
      {"AvgPoolGrad", {image, pooled, pooled}, window, {image}},
      {"BatchNormGrad",
       {image, image, channels, channels, channels, channels},
       {{"is_training", true}},
       {image, channels, channels}},
      {"BiasAddGrad", {image}, {}, {channels}},
      {"BiasAddGrad", {logits}, {{"data_format", whole(0)}}, {f32({10})}},
      {"Conv2DBackpropFilter", {half, image}, to_filter, {filter}},
      {"Conv2DBackpropInput", {f32({2, 6, 7, 8}), filter}, to_image, {f32({2, 4, 13, 15})}},
      {"MaxPoolGrad", {image, pooled, pooled}, window, {image}},
      {"ReLU6Grad", {image, image}, {}, {image}},
      {"ReluGrad", {image, image}, {}, {image}},
      {"SigmoidGrad", {image, image}, {}, {image}},
      {"SoftmaxCrossEntropyWithLogits", {logits, logits}, {}, {f32({-1}), logits}},
      {"SparseSoftmaxCrossEntropyWithLogits", {logits, typed(kInt32, {-1})}, {}, {f32({})}},
      {"SparseSoftmaxCrossEntropyWithLogits", {logits, typed(kInt32, {-1})}, {{"is_grad", true}}, {logits}},
      {"TanhGrad", {image, image}, {}, {image}},
  };
}

Cases updates() {
  const Type weight = f32({6, 4}), number = f32({});
  return {
      {"Adam",
       {weight, weight, weight, number, number, number, number, number, number, weight},
       {},
       {weight, weight, weight}},
      {"ApplyMomentum", {weight, weight, number, weight, number}, {{"use_nesterov", true}}, {weight}},
      {"Assign", {number, number}, {}, {number}},
      {"AssignAdd", {typed(kInt32, {1}), typed(kInt32, {1})}, {}, {typed(kInt32, {1})}},
      {"SGD", {weight, weight, number, weight, number, weight}, {{"dampening", 0.5}}, {weight}},
  };
}

}  // namespace

Type typed(DType dtype, const Ints& sizes) {
  Type type{.dtype = dtype, .dims = {}};
  for (const std::int64_t size : sizes) type.dims.push_back(size < 0 ? Dim("N") : Dim(size));
  return type;
}

Type f32(const Ints& sizes) { return typed(DType::float32, sizes); }

std::vector<OperatorCase> operator_cases() {
  Cases cases;
  for (const auto family : {convolutions, pools, activations, norms, unary, binary, products, reductions, shapes,
                            indices, pads, resizes, recurrent, boxes, scattered, grids, diagonals}) {
    append(cases, family());
  }
  return cases;
}

std::vector<OperatorCase> training_cases() {
  Cases cases;
  append(cases, gradients());
  append(cases, updates());
  return cases;
}

OperatorCase of_batch(OperatorCase each, std::int64_t batch) {
  for (Type& type : each.inputs) {
    for (Dim& dim : type.dims) {
      if (!dim.known()) dim = Dim(batch);
    }
  }
  return each;
}

Graph graph_of(const OperatorCase& each) {
  Graph graph;
  graph.name = each.op;
  std::vector<ValueId> inputs;
  for (std::size_t i = 0; i < each.inputs.size(); ++i) {
    const Type& type = each.inputs[i];
    const std::string name = "x" + std::to_string(i);
    if (type.dtype == DType::unknown) {
      inputs.push_back(kAbsent);
    } else if (i < each.constants_from) {
      inputs.push_back(graph.add_input(name, type));
    } else {
      inputs.push_back(graph.add_parameter(name, type));
      Value& value = graph.value(inputs.back());
      value.contents = contents_of(type.dtype, Doubles(*element_count(type), 1.0));
      value.bound = true;
    }
  }
  graph.outputs = graph.add_node(each.op, "node", inputs, each.attrs, each.results.size()).outputs;
  return graph;
}

}  // namespace ckpt::graph::test
