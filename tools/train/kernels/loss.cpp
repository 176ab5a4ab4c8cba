#include <algorithm>
#include <cmath>

#include "kernels/kernels.h"

namespace ckpt::train {
namespace {

/// The probabilities of one image's classes, and the logarithm of the sum that they were divided by.
double softmax(const float* logits, std::size_t classes, double* probabilities) {
  const double most = static_cast<double>(*std::max_element(logits, logits + classes));
  double sum = 0;
  for (std::size_t i = 0; i < classes; ++i) {
    probabilities[i] = std::exp(static_cast<double>(logits[i]) - most);
    sum += probabilities[i];
  }
  for (std::size_t i = 0; i < classes; ++i) probabilities[i] /= sum;
  return most + std::log(sum);
}

std::int64_t label_at(const Addresses& at, BufferId labels, bool wide, std::size_t i) {
  return wide ? at.at<std::int64_t>(labels)[i] : at.at<std::int32_t>(labels)[i];
}

Error bad_label(std::int64_t label, std::size_t image, std::size_t classes) {
  return Error{.code = Errc::mismatch,
               .message = "label " + std::to_string(label) + " of image " + std::to_string(image) +
                          " where there are " + std::to_string(classes) + " classes"};
}

Status want_logits(const graph::Type& type) {
  if (type.dtype == DType::float32 && type.dims.size() == 2) return {};
  return refusal("logits of type " + to_string(type));
}

}  // namespace

/// Inputs: logits [N, C], labels [N]. Result: the mean of the losses, or with is_grad its gradient.
Status make_sparse_softmax_cross_entropy(Program& program, const graph::NodeView& node) {
  if (auto status = want_logits(node.type(0)); !status) return status;
  const DType label_type = node.type(1).dtype;
  if (label_type != DType::int32 && label_type != DType::int64)
    return refusal("labels of type " + to_string(node.type(1)));
  const LayoutDims dims = dims_of(node.type(0));
  const auto images = static_cast<std::size_t>(dims[0]), classes = static_cast<std::size_t>(dims[1]);
  if (graph::element_count(node.type(1)) != images) return refusal("labels of type " + to_string(node.type(1)));
  const bool gradient = node.flag("is_grad"), wide = label_type == DType::int64;
  const BufferId logits = program.read_plain(node.node().inputs[0]), labels = program.read_plain(node.node().inputs[1]);
  const BufferId to = program.write_plain(node.node().outputs[0]);
  program.add({logits, labels, to}, [=, row = std::vector<double>(classes)](const Addresses& at) mutable -> Status {
    const double each = 1.0 / static_cast<double>(images);
    double loss = 0;
    for (std::size_t n = 0; n < images; ++n) {
      const std::int64_t label = label_at(at, labels, wide, n);
      if (label < 0 || label >= static_cast<std::int64_t>(classes)) return bad_label(label, n, classes);
      const float* of_image = at.floats(logits) + n * classes;
      const double normaliser = softmax(of_image, classes, row.data());
      loss += (normaliser - static_cast<double>(of_image[label])) * each;
      if (!gradient) continue;
      row[static_cast<std::size_t>(label)] -= 1;
      for (std::size_t i = 0; i < classes; ++i) at.floats(to)[n * classes + i] = static_cast<float>(row[i] * each);
    }
    if (!gradient) *at.floats(to) = static_cast<float>(loss);
    return {};
  });
  return {};
}

/// Inputs: logits and labels [N, C]. Results: the losses [N], and the gradient of their sum.
Status make_softmax_cross_entropy(Program& program, const graph::NodeView& node) {
  if (auto status = want_logits(node.type(0)); !status) return status;
  if (node.type(1) != node.type(0)) return refusal("labels of type " + to_string(node.type(1)));
  if (node.node().outputs.size() != 2) return refusal("without its two results");
  const LayoutDims dims = dims_of(node.type(0));
  const auto images = static_cast<std::size_t>(dims[0]), classes = static_cast<std::size_t>(dims[1]);
  const BufferId logits = program.read_plain(node.node().inputs[0]), labels = program.read_plain(node.node().inputs[1]);
  const BufferId losses = program.write_plain(node.node().outputs[0]), to = program.write_plain(node.node().outputs[1]);
  program.add({logits, labels, losses, to},
              [=, row = std::vector<double>(classes)](const Addresses& at) mutable -> Status {
                for (std::size_t n = 0; n < images; ++n) {
                  const float* of_image = at.floats(logits) + n * classes;
                  const float* wanted = at.floats(labels) + n * classes;
                  const double normaliser = softmax(of_image, classes, row.data());
                  double loss = 0;
                  for (std::size_t i = 0; i < classes; ++i) {
                    const double label = static_cast<double>(wanted[i]);
                    loss += (normaliser - static_cast<double>(of_image[i])) * label;
                    at.floats(to)[n * classes + i] = static_cast<float>(row[i] - label);
                  }
                  at.floats(losses)[n] = static_cast<float>(loss);
                }
                return {};
              });
  return {};
}

}  // namespace ckpt::train
