// ONNX: a trained module as a file that other runtimes read. Part of Ember::onnx, which is there where protobuf and ONNX are.
//
//   export_onnx(model, zeros({1, 3, 224, 224}), "net.onnx");
//
//   import onnxruntime
//   logits, = onnxruntime.InferenceSession("net.onnx").run(None, {"input": images})   # any number of images
#pragma once

#include <ember/nn/module.h>

#include <string>
#include <vector>

namespace ember {

struct OnnxOptions {
  std::vector<std::string> input_names = {};   ///< "input", or "input0", "input1", ... where there are several
  std::vector<std::string> output_names = {};  ///< likewise
  bool dynamic_batch = true;                   ///< the file takes batches of any size; off: of the example's size
  int64_t batch_dim = 0;                       ///< the dimension of all inputs that counts the batch
};

/// Writes the operations that model.forward runs on inputs like `example`, for ONNX operator set 17. What is written is what ran, the way
/// that control flow took; the module runs in evaluation (batch norms by their running statistics, no dropout) and has its modes back
/// afterwards. Parameters and buffers keep their names of the state dict, and nodes those of their modules.
///
/// The forward runs twice, on batches of other sizes and values made from the example: what differs by its size is the batch, and what
/// differs otherwise is refused. Throws NotImplementedError "the operation Median of module head (Pick) has no counterpart in ONNX" for an
/// operation that it cannot write; RuntimeError where the forward takes other ways for other values or sizes, where a value reaches the
/// output past the recorded operations (item(), integer arithmetic by hand), or where the file cannot be written.
void export_onnx(nn::Module& model, const Tensor& example, const std::string& path, const OnnxOptions& options = {});

/// The same for modules whose forward takes or gives several tensors: `forward` calls it.
///   export_onnx(lstm, {x}, [&](const std::vector<Tensor>& in) { auto [y, state] = lstm(in[0]); return std::vector{y, state.h, state.c}; },
///   "lstm.onnx");
using OnnxForward = Callback<std::vector<Tensor>(const std::vector<Tensor>&)>;
void export_onnx(nn::Module& model, const std::vector<Tensor>& examples, const OnnxForward& forward, const std::string& path,
                 const OnnxOptions& options = {});

}  // namespace ember
