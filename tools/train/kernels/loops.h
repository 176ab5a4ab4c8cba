#pragma once

#include <cstddef>

#include "kernels/lanes.h"

namespace ckpt::train {

struct MomentumStep {
  float rate = 0, momentum = 0, scale = 1;
  bool nesterov = false;
};

struct SgdStep {
  float rate = 0, momentum = 0, dampening = 0, decay = 0;
  bool nesterov = false;
};

struct AdamStep {
  float rate = 0, beta1 = 0, beta2 = 0, epsilon = 0;  ///< rate: corrected for how many steps there were
  bool nesterov = false;
};

/// How a pool's window moves over an image.
struct PoolWindow {
  std::size_t kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1;
  std::size_t top = 0, left = 0;  ///< padding, which never wins
  std::size_t out_h = 1, out_w = 1;
};

/// How the filter of a convolution moves over an image whose padding is written out.
struct FilterWindow {
  std::size_t kernel_h = 1, kernel_w = 1, stride_h = 1, stride_w = 1, out_h = 1, out_w = 1;
  std::size_t width = 1;  ///< of a row of the image, with its padding
};

/// What a channel's normalisation needs, eight of them.
struct NormGrad {
  const float* mean;
  const float* deviation;  ///< 1 / sqrt(variance + epsilon)
  const float* scale;
  bool training;  ///< else mean and variance were given, and are no functions of x
};

/// The loops that oneDNN has not, or has slower. Each runs on one thread, over the part of the work that it is given;
/// x and y may be the same.
struct Loops {
  const char* name;
  bool (*runs_here)();

  void (*relu)(const float* x, float* y, std::size_t count);
  void (*relu_grad)(const float* dy, const float* y, float* dx, std::size_t count);
  void (*add)(const float* a, const float* b, float* y, std::size_t count);
  void (*add_relu)(const float* a, const float* b, float* y, std::size_t count);
  void (*subtract)(const float* a, const float* b, float* y, std::size_t count);
  void (*multiply)(const float* a, const float* b, float* y, std::size_t count);
  void (*divide)(const float* a, const float* b, float* y, std::size_t count);
  void (*scale)(const float* x, float factor, float* y, std::size_t count);

  void (*momentum)(const MomentumStep& step, float* weight, float* velocity, const float* gradient, std::size_t count);
  void (*sgd)(const SgdStep& step, float* weight, float* velocity, float* stat, const float* gradient,
              std::size_t count);
  void (*adam)(const AdamStep& step, float* weight, float* first, float* second, const float* gradient,
               std::size_t count);

  // of the eight channels of a block, over all images

  void (*statistics)(const Lanes& lanes, std::size_t block, const float* x, float* mean, float* variance);
  void (*affine)(const Lanes& lanes, std::size_t block, const float* x, const float* factor, const float* offset,
                 bool relu, float* y);
  /// `y` not null: of a normalisation with ReLU behind it, whose result was y.
  void (*norm_grad)(const Lanes& lanes, std::size_t block, const float* dy, const float* x, const float* y,
                    const NormGrad& norm, float* dx, float* dscale, float* doffset);
  void (*channel_sums)(const Lanes& lanes, std::size_t block, const float* x, float* sums);

  // of the eight channels of a block, in one image

  /// Eight filters, [channels, kernel_h, kernel_w, 8], over an image with a plane of floats for each channel.
  void (*filter)(const FilterWindow& window, std::size_t channels, std::size_t plane, const float* x,
                 const float* filters, const float* bias, bool relu, float* y, std::size_t pixel);
  /// Adds an image's part to the gradient of eight filters over one input channel, [kernel_h, kernel_w, 8].
  void (*filter_grad)(const FilterWindow& window, const float* x, const float* dy, std::size_t pixel, float* sums);

  void (*max_pool)(const Lanes& in, const Lanes& out, const PoolWindow& window, const float* x, float* y);
  /// `relu`: x is the result of a ReLU, and dx is to be the gradient before it.
  void (*max_pool_grad)(const Lanes& in, const Lanes& out, const PoolWindow& window, const float* x, const float* dy,
                        bool relu, float* dx);
};

/// The fastest that this processor runs.
const Loops& loops() noexcept;

}  // namespace ckpt::train
