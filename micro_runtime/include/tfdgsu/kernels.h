// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// The portable kernels and their contracts; those of int8 layers are in kernels_int8.h, which this includes.
//
// Common to all:
//  - C99, no allocation, no globals, no scratch buffers unless a `_scratch_bytes` says so.
//  - Activations NHWC. Weights as TFLite keeps them: conv [O,kh,kw,C], depthwise
//    [1,kh,kw,C*m], fully connected [O,I]. All arrays dense, row major.
//  - Sizes are positive. Element counts of every array fit in int32_t, so indices do too.
//  - Outputs are OVERWRITTEN unless the contract says otherwise. Pointers do not alias unless
//    it says so.
//  - Every pooling or filter window touches the image: pad < filter size, and the last window
//    starts inside the image.
//  - Bit masks: one bit per element in flat order, least significant bit first,
//    (n + 7) / 8 bytes, unused bits zero.
//  - Sums are in float, in the order of the loops, and take a product with one rounding, as fmaf does, where it is
//    the sum of a gradient's products. With -ffp-contract=off all cores with a float unit give the same bits.

#ifndef TFDGSU_KERNELS_H_
#define TFDGSU_KERNELS_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The gradients of depthwise convolutions work on so many channels and filter taps at a time.
enum { kTfdgsuLanes = 4, kTfdgsuMaxTaps = 64 };

typedef struct {
  float lane[kTfdgsuLanes];
} TfdgsuLanes;

// Sizes of a convolution (or pooling, where out_c == in_c). Padding at the bottom and the right
// follows from the sizes.
typedef struct {
  int32_t batches;
  int32_t in_h, in_w, in_c;
  int32_t out_h, out_w, out_c;
  int32_t filter_h, filter_w;
  int32_t stride_h, stride_w;
  int32_t pad_top, pad_left;
} TfdgsuWindow;

// End of an input gradient: dx = mask(dx + addend), mask(v) = bit ? v : mask_alpha * v.
typedef struct {
  const float* addend;  // [elements of dx] or NULL; may alias dx
  const uint8_t* bits;  // mask over dx or NULL
  float mask_alpha;     // 0 for ReLU and ReLU6, the slope of a leaky ReLU
} TfdgsuEpilogue;

// SGD as Keras defines it. With velocity: v = momentum*v - lr*g, then w += v, or with nesterov
// w += momentum*v - lr*g. Without: w -= lr*g, rounded once.
typedef struct {
  float learning_rate;
  float momentum;
  int32_t nesterov;
} TfdgsuSgd;

// ---- convolution ------------------------------------------------------------------------------

// dx[b,y,x,c] = epilogue(sum over o,ky,kx of dy[b,oy,ox,o] * w[o,ky,kx,c]) where
// y = oy*stride_h - pad_top + ky, x likewise. The transpose of CONV_2D.
// dx [B,H,W,C], dy [B,Ho,Wo,O], w [O,kh,kw,C]; out_c is O.
void tfdgsu_conv_2d_grad_input_f32(float* dx, const float* dy, const float* w,
                                   const TfdgsuEpilogue* epilogue, const TfdgsuWindow* window);

// g[o,ky,kx,j] = sum over b,oy,ox of dy[b,oy,ox,o] * x[b,y,x,j]; SGD on w[o,ky,kx,channels[j]].
// The gradient never exists as an array. DGSU, arXiv 2503.17959, with input channels selected.
// w [O,kh,kw,n_channels] UPDATED, velocity [O,kh,kw,k] UPDATED or NULL, x [B,H,W,k],
// dy [B,Ho,Wo,O], channels int32 [k], distinct, each in [0, n_channels), or NULL when
// k == n_channels. in_c is k.
void tfdgsu_conv_2d_grad_filter_f32(float* w, float* velocity, const float* x, const float* dy,
                                    const int32_t* channels, int32_t n_channels,
                                    const TfdgsuSgd* sgd, const TfdgsuWindow* window);

// g[c] = sum over rows of dy[r,c]; SGD on b. b [C] UPDATED, velocity [C] UPDATED or NULL,
// dy [rows,C].
void tfdgsu_bias_grad_f32(float* b, float* velocity, const float* dy, int32_t rows, int32_t c,
                          const TfdgsuSgd* sgd);

// dx[b,y,x,c] = epilogue(sum over ky,kx,q < m of dy[b,oy,ox,c*m+q] * w[ky,kx,c*m+q]).
// m = out_c / in_c, out_c a multiple of in_c. dx [B,H,W,C], dy [B,Ho,Wo,C*m], w [kh,kw,C*m].
void tfdgsu_depthwise_conv_2d_grad_input_f32(float* dx, const float* dy, const float* w,
                                             const TfdgsuEpilogue* epilogue,
                                             const TfdgsuWindow* window);

// g[ky,kx,j*m+q] = sum over b,oy,ox of x[b,y,x,j] * dy[b,oy,ox,channels[j]*m+q]; SGD on
// w[ky,kx,channels[j]*m+q]. w [kh,kw,C*m] UPDATED, velocity [kh,kw,k*m] UPDATED or NULL,
// x [B,H,W,k], dy [B,Ho,Wo,C*m], channels as above with n_channels = C = out_c / multiplier.
void tfdgsu_depthwise_conv_2d_grad_filter_f32(float* w, float* velocity, const float* x,
                                              const float* dy, const int32_t* channels,
                                              int32_t multiplier, const TfdgsuSgd* sgd,
                                              const TfdgsuWindow* window);

// Some taps of a filter: `rows` from ky on by `columns` from kx on. At most kTfdgsuMaxTaps.
typedef struct {
  int32_t ky, kx, rows, columns;
} TfdgsuTaps;

// Up to 4 channels of an input gradient with multiplier 1. An image position's first channel is dx_pitch floats
// (dy_pitch) behind that of the one before.
typedef struct {
  float* dx;
  const float* dy;
  int32_t dx_pitch, dy_pitch;
  const TfdgsuLanes* w;  // [taps], row by row; of a row those with kx = 0 modulo stride_w, then 1, ...
  int32_t first, n;      // channels [first, first + n) in the epilogue's arrays [B,H,W,in_c]
} TfdgsuDepthwiseInputTile;

// The terms of some taps, for channels [first, first + n) of the input gradient above. Where the taps aren't the
// filter's first ones dx UPDATED, with the epilogue when they are its last ones (an addend may alias dx only if they
// are both). dy counts as 0 to the left and the
// right of its rows, which shows only in products with weights that aren't finite. Takes about 2.6 KB of stack.
void tfdgsu_depthwise_input_tile_f32(const TfdgsuDepthwiseInputTile* tile, const TfdgsuTaps* taps,
                                     const TfdgsuEpilogue* epilogue, const TfdgsuWindow* window);

// Up to 4 channels of a filter gradient.
typedef struct {
  const void* x;  // [B,H,W,x_pitch] from the first channel on, n in a row; float, or int8 if is_int8
  const float* dy;
  int32_t x_pitch, dy_pitch;
  int32_t is_int8, zero_point;
  int32_t columns[kTfdgsuLanes];  // of dy [B,Ho,Wo,dy_pitch]
  int32_t n;
} TfdgsuDepthwiseFilterTile;

// sums[tap] lane i = sum over b,oy,ox of x[b,y,x,i] * dy[b,oy,ox,columns[i]]. x counts as 0 to the left and the right of
// its rows, which shows only where dy isn't finite. Takes about 3.5 KB of stack.
void tfdgsu_depthwise_filter_tile_f32(TfdgsuLanes* sums, const TfdgsuDepthwiseFilterTile* tile,
                                      const TfdgsuTaps* taps, const TfdgsuWindow* window);

// ---- fully connected --------------------------------------------------------------------------

// dx[b,i] = epilogue(sum over o of dy[b,o] * w[o,i]). dx [B,I], dy [B,O], w [O,I].
void tfdgsu_fully_connected_grad_input_f32(float* dx, const float* dy, const float* w,
                                           const TfdgsuEpilogue* epilogue, int32_t batches,
                                           int32_t inputs, int32_t outputs);

// g[o,j] = sum over b of dy[b,o] * x[b,j]; SGD on w[o,channels[j]]. w [O,I] UPDATED,
// velocity [O,k] UPDATED or NULL, x [B,k], dy [B,O], channels [k] in [0, I) or NULL when k == I.
void tfdgsu_fully_connected_grad_filter_f32(float* w, float* velocity, const float* x,
                                            const float* dy, const int32_t* channels,
                                            const TfdgsuSgd* sgd, int32_t batches,
                                            int32_t selected, int32_t inputs, int32_t outputs);

// ---- channels ---------------------------------------------------------------------------------

enum { kTfdgsuCyclic = 1, kTfdgsuRandom = 2 };

// Draw number `draw` of k distinct channels out of n. cyclic: (draw*k + i) mod n. random: ascending,
// selection sampling (Knuth, TAOCP vol. 2, 3.4.2, algorithm S) with the 32-bit hash "lowbias32"
// (C. Wellons) as counter-based generator. Integers only: the same on every machine.
// channels int32 [k], k <= n.
void tfdgsu_select_channels_i32(int32_t* channels, int32_t policy, uint32_t seed,
                                uint32_t layer_id, uint32_t draw, int32_t k, int32_t n);

// What a filter's rate in layer-wise adaptive rate scaling follows from.
typedef struct {
  float beta;            // how much of the mean square stays in a step
  float fresh_fraction;  // (1 - beta) * (1 - momentum^2): how much of a velocity's is added
  float size;            // trust coefficient * root mean square of the weights
} TfdgsuLayerRate;

// Returns the learning rate of a filter's next update, learning_rate * size / sqrt(s), where s is the running mean square
// of its gradient: s = beta*s + fresh_fraction*found, or found where s is 0, with found = mean of (velocity / rate)^2 and
// the rate of the step before. s stays where that rate is not above 0 or found is not: a velocity that was cleared. While
// s is 0, 1e12 stands for it. You et al., arXiv 1708.03888, equation 6, with a gradient of steps before.
// velocity [n] is as the last update left it. state = {s, rate} UPDATED. Each element is multiplied with 1 / rate and
// squared, and runs of 256 squares are summed from 0 on, then the sums, each rounded: no product is fused. Numbers below
// 2^-126 keep their value; squares of gradients below 2^-75 are 0.
float tfdgsu_layer_rate_f32(float state[2], const float* velocity, float learning_rate,
                            const TfdgsuLayerRate* layer, int32_t n);

// x_sel[r,j] = x[r,channels[j]], or x[r,pool[channels[j]]] with a pool. x_sel [rows,k], x [rows,C],
// pool int32 [P] in [0, C) or NULL, channels int32 [k] in [0, P), without a pool in [0, C).
void tfdgsu_gather_channels_f32(float* x_sel, const float* x, const int32_t* channels,
                                const int32_t* pool, int32_t rows, int32_t c, int32_t k);

// As above.
void tfdgsu_gather_channels_i8(int8_t* x_sel, const int8_t* x, const int32_t* channels,
                               const int32_t* pool, int32_t rows, int32_t c, int32_t k);

// ---- masks ------------------------------------------------------------------------------------

// bit i = low < y[i] < high. bits [(n+7)/8], y [n].
void tfdgsu_relu_mask_f32(uint8_t* bits, const float* y, float low, float high, int32_t n);

// The same; low < high are in units of y and may lie outside of int8, then saturated elements pass.
void tfdgsu_relu_mask_i8(uint8_t* bits, const int8_t* y, float low, float high, int32_t n);

// dz[i] = bit i ? dy[i] : alpha * dy[i]. dz, dy [n]; dz may alias dy.
void tfdgsu_apply_mask_f32(float* dz, const float* dy, const uint8_t* bits, float alpha,
                           int32_t n);

// ---- pooling and reduction --------------------------------------------------------------------

// argmax = ky*filter_w + kx of the first maximum inside the image. At most 256 taps.
// argmax [B,Ho,Wo,C], x [B,H,W,C].
void tfdgsu_max_pool_2d_argmax_f32(uint8_t* argmax, const float* x, const TfdgsuWindow* window);

// As above.
void tfdgsu_max_pool_2d_argmax_i8(uint8_t* argmax, const int8_t* x, const TfdgsuWindow* window);

// dx = sum of dy over the windows whose maximum the element was. An argmax that points outside
// the image is ignored. dx [B,H,W,C], dy and argmax [B,Ho,Wo,C].
void tfdgsu_max_pool_2d_grad_f32(float* dx, const float* dy, const uint8_t* argmax,
                                 const TfdgsuWindow* window);

// dx = sum over windows of dy / (elements of the window inside the image).
// dx [B,H,W,C], dy [B,Ho,Wo,C].
void tfdgsu_average_pool_2d_grad_f32(float* dx, const float* dy, const TfdgsuWindow* window);

// dx[o,r,i] = epilogue(dy[o,i] / reduced). dx [outer,reduced,inner], dy [outer,inner].
void tfdgsu_mean_grad_f32(float* dx, const float* dy, const TfdgsuEpilogue* epilogue,
                          int32_t outer, int32_t reduced, int32_t inner);

// bit[o,r,i] = x[o,r,i] == y[o,i]. x [outer,reduced,inner], y [outer,inner].
void tfdgsu_reduce_max_mask_f32(uint8_t* bits, const float* x, const float* y, int32_t outer,
                                int32_t reduced, int32_t inner);

// As above.
void tfdgsu_reduce_max_mask_i8(uint8_t* bits, const int8_t* x, const int8_t* y, int32_t outer,
                               int32_t reduced, int32_t inner);

// dx[o,r,i] = bit ? dy[o,i] / (bits set in the run) : 0. Shapes as above.
void tfdgsu_reduce_max_grad_f32(float* dx, const float* dy, const uint8_t* bits, int32_t outer,
                                int32_t reduced, int32_t inner);

// ---- elementwise and copies -------------------------------------------------------------------

// dx = dy[begin : begin + size] on four axes. begin + size <= in on every axis.
void tfdgsu_slice_f32(float* dx, const float* dy, const int32_t in[4], const int32_t begin[4],
                      const int32_t size[4]);

// dx[r,c] = (dy[r,c] - sum over c of dy*y) * y[r,c]. All [rows,C]; dx may alias dy.
void tfdgsu_softmax_grad_f32(float* dx, const float* y, const float* dy, int32_t rows, int32_t c);

// dx[i] = dy[i] * y[i] * (1 - y[i]). All [n]; dx may alias dy.
void tfdgsu_logistic_grad_f32(float* dx, const float* y, const float* dy, int32_t n);

// dx[r,c] = dy[r,c] * a[c]. dx, dy [rows,C], a [C]; dx may alias dy. For a scalar, C = 1.
void tfdgsu_mul_grad_f32(float* dx, const float* dy, const float* a, int32_t rows, int32_t c);

// c[i] = a[i] + b[i]. All [n]; c may alias a or b.
void tfdgsu_add_gradients_f32(float* c, const float* a, const float* b, int32_t n);

// ---- losses -----------------------------------------------------------------------------------
// As Keras 3 defines them: mean over the batch, probabilities clipped to [1e-7, 1 - 1e-7] (no
// gradient where the clip acts). Return the loss; NaN or infinity means: do not train on this.
// dy [B,C] is the gradient with respect to y_pred [B,C]. dy may alias y_pred where from_logits.
// exp and log are those of kernels/deterministic_math.h: the same bits on every machine.

// label int32 [B]; a label outside [0, C) makes the loss NaN.
float tfdgsu_sparse_categorical_crossentropy_f32(float* dy, const float* y_pred,
                                                 const int32_t* label, int32_t from_logits,
                                                 int32_t batches, int32_t c);

// label [B,C].
float tfdgsu_categorical_crossentropy_f32(float* dy, const float* y_pred, const float* label,
                                          int32_t from_logits, int32_t batches, int32_t c);

// label [B,N].
float tfdgsu_binary_crossentropy_f32(float* dy, const float* y_pred, const float* label,
                                     int32_t from_logits, int32_t batches, int32_t n);

// label [B,N].
float tfdgsu_mean_squared_error_f32(float* dy, const float* y_pred, const float* label,
                                    int32_t batches, int32_t n);

#ifdef __cplusplus
}
#endif

#include "tfdgsu/kernels_int8.h"  // IWYU pragma: export

#endif  // TFDGSU_KERNELS_H_
