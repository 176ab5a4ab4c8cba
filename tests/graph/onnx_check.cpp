// onnx_check MODEL...: what the ONNX project's own library (libonnx) says of models: its checker, then shape inference
// in strict mode, which compares what it infers with what the model records. A program of its own, because libonnx and
// the command have messages of the same names.
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <set>
#include <string>

namespace {

onnx::ModelProto load(const std::string& path) {
  onnx::ModelProto model;
  std::ifstream in(path, std::ios::binary);
  if (!in || !model.ParseFromIstream(&in)) throw std::runtime_error("cannot be read");
  return model;
}

// Results of nodes of which the model does not say what they are.
std::set<std::string> untyped(const onnx::GraphProto& graph) {
  std::set<std::string> values;
  for (const auto& node : graph.node())
    for (const auto& output : node.output())
      if (!output.empty()) values.insert(output);
  for (const auto& info : graph.value_info()) values.erase(info.name());
  for (const auto& info : graph.output()) values.erase(info.name());
  return values;
}

void check(const std::string& path) {
  onnx::checker::check_model(path);
  onnx::ModelProto model = load(path);
  if (const auto values = untyped(model.graph()); !values.empty())
    throw std::runtime_error(std::to_string(values.size()) + " values without a type, the first is \"" +
                             *values.begin() + '"');
  onnx::shape_inference::InferShapes(model, onnx::OpSchemaRegistry::Instance(),
                                     {/*check_type=*/true, /*strict_mode=*/1, /*data_prop=*/true});
}

}  // namespace

int main(int argc, char** argv) {
  int status = argc > 1 ? 0 : 2;
  for (int i = 1; i < argc; ++i) {
    try {
      check(argv[i]);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s: %s\n", argv[i], error.what());
      status = 1;
    }
  }
  return status;
}
