#include "table.h"

namespace ckpt::graph {

std::vector<Op> recurrent_ops() {
  return {
      {.name = "LSTM",
       .arguments = {tensor("x"), tensor("h"), tensor("c"), tensor("w"), integer("input_size"), integer("hidden_size"),
                     integer("num_layers", whole(1)), flag("has_bias", true), flag("bidirectional", false),
                     number("dropout", 0.0), integer("proj_size", whole(0))}},
  };
}

}  // namespace ckpt::graph
