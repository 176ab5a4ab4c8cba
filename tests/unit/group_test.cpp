#include "ckpt/group.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace ckpt {
namespace {

TensorInfo entry(std::string name, std::vector<std::int64_t> dims, DType dtype = DType::float32) {
  TensorInfo info;
  info.name = std::move(name);
  info.dims = std::move(dims);
  info.dtype = dtype;
  if (dtype == DType::string) info.kind = Kind::string;
  if (dtype == DType::unknown) info.kind = Kind::opaque;
  return info;
}

// One letter an entry: w, o, or - for "other".
std::string groups(const std::vector<TensorInfo>& tensors) {
  std::string text;
  for (const Group group : classify(tensors))
    text += group == Group::weights ? 'w' : group == Group::optimizer ? 'o' : '-';
  return text;
}

TEST(Classify, momentum_as_model_train_saves_it) {
  EXPECT_EQ(groups({entry("fc.weight", {3, 4}), entry("bn.moving_mean", {3}), entry("global_step", {1}, DType::int32),
                    entry("learning_rate", {}), entry("momentum", {}), entry("moments.fc.weight", {3, 4}),
                    entry("epoch_num", {}, DType::int64), entry("step_num", {}, DType::int64), entry("lr", {}),
                    entry("note", {0}, DType::string)}),
            "wwoooo----");
}

TEST(Classify, adam_with_a_list_of_learning_rates) {
  EXPECT_EQ(
      groups({entry("fc.weight", {3, 4}), entry("beta1_power", {1}), entry("beta2_power", {}),
              entry("moment1.fc.weight", {3, 4}), entry("moment2.fc.weight", {3, 4}), entry("learning_rate", {6})}),
      "wooooo");
}

TEST(Classify, states_of_other_shapes) {
  EXPECT_EQ(groups({entry("fc.weight", {3, 4}), entry("exp_avg_sq_row_fc.weight", {3}),
                    entry("exp_avg_sq_col_fc.weight", {4}), entry("exp_avg_sq_fc.weight", {1}),
                    entry("learning_rate_group_0", {}), entry("lr_fc.weight", {1}), entry("matrix_a_inv_12", {7, 7}),
                    entry("afactor_step", {1})}),
            "wooooooo");
}

TEST(Classify, a_slot_needs_its_weight_with_the_same_dims) {
  EXPECT_EQ(groups({entry("moments.fc.weight", {3, 4})}), "w");
  EXPECT_EQ(groups({entry("fc.weight", {3, 4}), entry("moments.fc.weight", {4, 3})}), "ww");
  EXPECT_EQ(groups({entry("fc.weight", {3, 4}), entry("linear_fc.weight", {3, 4})}), "ww");
  EXPECT_EQ(groups({entry("moments.", {3, 4}), entry("", {3, 4})}), "ww");
}

TEST(Classify, a_layer_may_be_called_like_an_optimizer) {
  EXPECT_EQ(groups({entry("momentum.weight", {3, 4}), entry("momentum", {3, 4}), entry("learning_rate_group_x", {1}),
                    entry("learning_rate_group_", {1})}),
            "wwww");
}

TEST(Classify, scalars_are_appended_values_only_at_the_end) {
  EXPECT_EQ(groups({entry("logit_scale", {}), entry("fc.weight", {3, 4}), entry("fc.alpha", {})}), "www");
  EXPECT_EQ(groups({entry("fc.weight", {3, 4}), entry("loss", {}, DType::float64), entry("train", {}, DType::boolean),
                    entry("generator", {16}, DType::uint8), entry("momentum", {})}),
            "w---o");
  EXPECT_EQ(groups({entry("s", {})}), "w");
  EXPECT_EQ(groups({entry("fc.weight", {3, 4}), entry("count", {}, DType::int32)}), "ww");
}

TEST(Classify, maps_are_weights_and_unknown_types_are_other) {
  TensorInfo map = entry("emb", {});
  map.kind = Kind::map;
  TensorInfo slot = map;
  slot.name = "moment1.emb";
  EXPECT_EQ(groups({map, slot, entry("random_op", {}, DType::unknown)}), "wo-");
}

TEST(Classify, many_entries_take_linear_time) {
  std::vector<TensorInfo> tensors;
  for (int i = 0; i < 50'000; ++i) tensors.push_back(entry("layer" + std::to_string(i) + ".weight", {2}));
  for (int i = 0; i < 50'000; ++i) tensors.push_back(entry("moments.layer" + std::to_string(i) + ".weight", {2}));
  EXPECT_EQ(groups(tensors), std::string(50'000, 'w') + std::string(50'000, 'o'));
}

TEST(Classify, names_of_the_groups) {
  EXPECT_EQ(name(Group::weights), "weights");
  EXPECT_EQ(name(Group::optimizer), "optimizer");
  EXPECT_EQ(name(Group::other), "other");
}

}  // namespace
}  // namespace ckpt
