// SPDX-FileCopyrightText: 2026 The tfdgsu Authors
// SPDX-License-Identifier: Apache-2.0
// The portable kernels of int8 layers and their contracts. What kernels.h says is common to all holds here, too.
//
// Stack: tiles and converted filters lie there. The deepest call, a block's backward pass, has frames of about 4.8 KB
// together on Cortex-M4 (gcc 12 -O2 -fstack-usage), a block's forward pass 3 KB.

#ifndef TFDGSU_KERNELS_INT8_H_
#define TFDGSU_KERNELS_INT8_H_

#include "tfdgsu/kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

// One convolution of a block of int8 convolutions. Real numbers are scale * (q - zero_point); a sum
// is brought to the result's scale by multiplier * 2^(shift - 31), rounded as TFLM's reference
// kernels round it (twice), then moved by zero_point and clamped to [min, max].
typedef struct {
  int32_t is_present;         // 0: no such stage, and nothing else of it is looked at
  const int8_t* w;            // [O,kh,kw,C], depthwise [1,kh,kw,C]
  const int32_t* bias;        // [O] or NULL
  const int32_t *multiplier, *shift;  // [O], not negative; [O], in [-31, 30]
  TfdgsuWindow window;        // depthwise: out_c == in_c
  int32_t x_zero_point, zero_point, min, max;  // int8 numbers
  int32_t mask_low, mask_high;                 // the mask's bit: mask_low < q < mask_high
} TfdgsuStageI8;

// int8 ADD of x and y as TFLM's reference kernel does it. Multipliers >= 0, shifts in [-31, 0].
typedef struct {
  int32_t x_multiplier, x_shift, y_multiplier, y_shift, multiplier, shift;
  int32_t x_zero_point, y_zero_point, zero_point, min, max;
} TfdgsuAddI8;

// A second filter over some channels of the image, whose weights are 0 in the first one.
typedef struct {
  const int8_t* w;          // [O,kh,kw,n_channels]
  const int32_t* channels;  // [n_channels], each in [0, C); for gradients ascending and distinct
  int32_t n_channels;       // 0: none
} TfdgsuOverlayI8;

// Rows of an image [H,W,C]: row i is at data + (i % n_rows)*W*C.
typedef struct { const int8_t* data; int32_t n_rows; } TfdgsuRowsI8;

// conv -> depthwise -> project (1x1) -> add of x; at least one convolution is present.
typedef struct {
  TfdgsuStageI8 conv, depthwise, project;
  TfdgsuOverlayI8 overlay;  // of conv
  TfdgsuAddI8 add;
  int32_t has_add;
} TfdgsuConvBlock;

enum { kTfdgsuNearest = 0, kTfdgsuStochastic = 1, kTfdgsuRemainder = 2 };

// SGD on integers. With a weight's scale s and its gradient g with respect to the REAL value, in float:
//   without velocity units = g * -(lr / s); with velocity step = lr*g, v = momentum*v - step,
//   delta = nesterov ? momentum*v - step : v, units = delta * (1 / s). Units are cut to [-1e6, 1e6].
//   nearest:    w += rint(units), half to even. Steps below half a unit are lost.
//   stochastic: w += rint(units + u), u = (r >> 8 | 1) * 2^-24 in (-1/2, 1/2), so that the mean is units. r is
//               int32, mix32(key + idx * 0x9e3779b9), key = mix32(mix32(mix32(seed) + layer_id) + step),
//               idx the flat index of the weight plus first_idx; mix32 is the hash of
//               tfdgsu_select_channels_i32.
//   remainder:  t = w*256 + remainder + rint(units*256), cut to +-127*256; w = (t + 128) >> 8,
//               remainder = t - w*256 in [-128, 127].
// w is cut to [-127, 127]. Where step or units is not finite, nothing changes.
typedef struct {
  TfdgsuSgd sgd;
  int32_t rounding;
  uint32_t seed, layer_id, step;
  uint32_t first_idx;  // of the first weight given, when that is not the first of its tensor
} TfdgsuIntegerSgd;

// Real value of an int8 x: scale * (x - zero_point).
typedef struct {
  float scale;
  int32_t zero_point;
} TfdgsuQuantization;

// Update of a bias; `bias` is NULL when there is none.
typedef struct {
  int32_t* bias;
  float* velocity;      // as bias, or NULL
  const float* scales;  // as bias
  TfdgsuIntegerSgd sgd;
} TfdgsuBiasUpdate;

// Update of some input channels of a filter.
typedef struct {
  int32_t is_present;  // nothing else counts if it is 0
  const int8_t* x;     // [B,H,W,k]
  TfdgsuQuantization x_real;
  const int32_t* channels;  // [k], distinct and in range, or NULL for all
  int32_t selected;         // k
  float* velocity;          // as the selected weights, or NULL
  int8_t* remainder;        // as the weights, or NULL unless rounding is remainder
  TfdgsuIntegerSgd sgd;
} TfdgsuFilterUpdate;

// Three int8 convolutions in a row: conv, pointwise, from C to M channels; depthwise with multiplier 1;
// project, pointwise, from M to P channels.
typedef struct {
  TfdgsuWindow depthwise;         // in_c == out_c == M
  int32_t in_c, out_c;            // C, P
  const int8_t* project_w;        // [P,M]
  const float* project_scales;    // [P]
  TfdgsuOverlayI8 project_overlay;
  int8_t* depthwise_w;            // [kh,kw,M]
  const float* depthwise_scales;  // [M]
  int8_t* conv_w;                 // [M,C]
  const float* conv_scales;       // [M]
  // With an overlay of conv, conv_w is never written: conv_filter updates overlay_w, whose channels it counts.
  int8_t* overlay_w;  // [M,n_overlay] or NULL
  const int32_t* overlay_channels;  // [n_overlay], ascending and distinct
  int32_t n_overlay;
  // Of the gradients of the depthwise result [B,Ho,Wo,M], of that of conv [B,H,W,M] (both without an
  // addend), and of dx, whose addend must not alias dx.
  TfdgsuEpilogue depthwise_end, conv_end, end;
  TfdgsuBiasUpdate depthwise_bias, conv_bias;
  TfdgsuFilterUpdate depthwise_filter, conv_filter;
  int32_t reaches_conv;   // whether the gradient of conv's result is computed, and what follows from it
  int32_t tile_channels;  // how many of the M channels are worked on at a time
} TfdgsuConvBlockGrad;

// Rows of 4 weights: row i at w + first + i*stride, with scale scales[i] or, where gradients are units, with scales NULL
// and without velocity.
typedef struct {
  int8_t *w, *remainder;  // of the tensor; remainder NULL unless rounding is remainder
  float* velocity;        // [4] of each row, v_stride from one to the next, or NULL
  const float* scales;
  int32_t first, stride, v_stride;  // first: where in w the rows begin
  int32_t columns[4];               // of a row's weights
  uint32_t key;                     // of the random numbers, those before first_idx skipped
  const TfdgsuIntegerSgd* update;
} TfdgsuRowsOfWeights;

// Integer SGD on n rows by their gradients [n,4], which are lost.
void tfdgsu_step_rows_i8(const TfdgsuRowsOfWeights* rows, float* gradients, int32_t n);

// The filter that a tile of tfdgsu_depthwise_filter_tile_f32 is of.
typedef struct {
  int8_t *w, *remainder;  // [taps,C]; remainder or NULL
  float* velocity;        // [taps,v_row] from the tile's first channel on, one every v_step, or NULL
  int32_t v_row, v_step;
  const float* scales;    // [C]
  int32_t first;          // the channel to count the tile's columns from
  float x_scale;
  uint32_t key;           // as above
  const TfdgsuIntegerSgd* update;
} TfdgsuDepthwiseFilterI8;

// Integer SGD on some taps by x_scale * the sums of tfdgsu_depthwise_filter_tile_f32.
void tfdgsu_update_depthwise_tile_i8(const TfdgsuDepthwiseFilterI8* to, const TfdgsuDepthwiseFilterTile* tile,
                                     const TfdgsuTaps* taps, const TfdgsuWindow* window);

// ---- convolution with int8 weights ------------------------------------------------------------
// Real weights are scales[o] * w, o the output channel. dy, dx and scales are float, and what the
// float kernels above say of shapes, channels and aliases holds. Every sum starts at 0 and takes its
// terms one after the other in the order of the indices named, the last one fastest.

// dx[b,y,x,c] = epilogue(sum over ky,kx,o of dy[b,oy,ox,o] * (scales[o] * w[o,ky,kx,c])).
// w [O,kh,kw,C], scales [O]. Of the channels of an overlay (NULL or 0 channels: none) its weights count, not w.
void tfdgsu_conv_2d_grad_input_i8(float* dx, const float* dy, const int8_t* w, const float* scales,
                                  const TfdgsuOverlayI8* overlay, const TfdgsuEpilogue* epilogue,
                                  const TfdgsuWindow* window);

enum { kTfdgsuPoints = 64, kTfdgsuPointTile = 8 };

// The sums of that of a pointwise convolution, for at most kTfdgsuPoints positions and n <= kTfdgsuPointTile channels:
// sums[p][i] += sum over o < out_c of dy[p*out_c+o] * (scales[o] * w[o*w_stride+i]). An overlay's weights count in
// place of w for its channels; sums[p][0] is of channel `first`. What is in sums beyond n channels is lost.
void tfdgsu_add_points_i8(float sums[kTfdgsuPoints][kTfdgsuPointTile], const float* dy, const int8_t* w,
                          const TfdgsuOverlayI8* overlay, int32_t first, const float* scales,
                          int32_t out_c, int32_t w_stride, int32_t n_points, int32_t n);

// dx[b,y,x,c] = epilogue(sum over ky,kx,q < m of dy[..,c*m+q] * (scales[c*m+q] * w[ky,kx,c*m+q])).
// w [kh,kw,C*m], scales [C*m]. With m = 1 dy counts as 0 to the left and the right of its rows.
void tfdgsu_depthwise_conv_2d_grad_input_i8(float* dx, const float* dy, const int8_t* w,
                                            const float* scales, const TfdgsuEpilogue* epilogue,
                                            const TfdgsuWindow* window);

// g[o,ky,kx,j] = sum over b,oy,ox of dy[b,oy,ox,o] * (x_scale * (x[b,y,x,j] - zero point)); the padded
// border adds nothing. Integer SGD on w[o,ky,kx,channels[j]].
// w [O,kh,kw,n_channels] UPDATED, remainder as w UPDATED, or NULL unless rounding is remainder,
// velocity [O,kh,kw,k] UPDATED or NULL, scales [O], x [B,H,W,k], dy [B,Ho,Wo,O].
void tfdgsu_conv_2d_grad_filter_i8(int8_t* w, int8_t* remainder, float* velocity,
                                   const float* scales, const int8_t* x,
                                   const TfdgsuQuantization* x_real, const float* dy,
                                   const int32_t* channels, int32_t n_channels,
                                   const TfdgsuIntegerSgd* update, const TfdgsuWindow* window);

// g[ky,kx,j*m+q] = x_scale * (sum over b,oy,ox of (x[b,y,x,j] - zero point) * dy[..,channels[j]*m+q]). To the left
// and the right of a row of x, x - zero point counts as 0, which shows only where dy isn't finite.
// Integer SGD on w[ky,kx,channels[j]*m+q]. w [kh,kw,C*m] UPDATED, remainder as w UPDATED or NULL,
// velocity [kh,kw,k*m] UPDATED or NULL, scales [C*m], x [B,H,W,k], dy [B,Ho,Wo,C*m].
void tfdgsu_depthwise_conv_2d_grad_filter_i8(int8_t* w, int8_t* remainder, float* velocity,
                                             const float* scales, const int8_t* x,
                                             const TfdgsuQuantization* x_real, const float* dy,
                                             const int32_t* channels, int32_t multiplier,
                                             const TfdgsuIntegerSgd* update,
                                             const TfdgsuWindow* window);

// g[c] = sum over rows of dy[r,c]; integer SGD on b, whose unit is scales[c]. b is cut to +-2^30, has
// no remainder (stochastic instead) and takes layer_id + 2^31 for its random numbers.
// b int32 [C] UPDATED, velocity [C] UPDATED or NULL, scales [C], dy [rows,C].
void tfdgsu_bias_grad_i32(int32_t* b, float* velocity, const float* scales, const float* dy,
                          int32_t rows, int32_t c, const TfdgsuIntegerSgd* update);

// The backward pass of a chain of convolutions, bit for bit what the kernels above give one after
// another: input gradient of project, updates of depthwise; then, if the chain reaches conv, input
// gradients of depthwise (of its weights before their update) and of conv, updates of conv. Gradients of M
// channels exist for tile_channels of them at a time. dx [B,H,W,C] or NULL, dy [B,Ho,Wo,P], scratch: the
// bytes that tfdgsu_conv_block_grad_scratch_bytes says, aligned to 4. Weights that nothing reads may be NULL.
void tfdgsu_conv_block_grad_i8(float* dx, const float* dy, void* scratch,
                               const TfdgsuConvBlockGrad* block);

// tile_channels (at most M) times B*Ho*Wo floats; if the chain reaches conv, B*H*W more; and kh*kw bytes if
// the depthwise filter is updated. -1 if the bytes don't fit in int32_t. No pointer is looked at.
int32_t tfdgsu_conv_block_grad_scratch_bytes(const TfdgsuConvBlockGrad* block);

// ---- int8 convolutions ------------------------------------------------------------------------
// Bit for bit the int8 CONV_2D, DEPTHWISE_CONV_2D and ADD of TFLM's reference kernels. The padded
// border counts as x_zero_point. Weights lie in [-127, 127]. A sum has at most 2^16 products; with
// the bias it wraps at 32 bits.

// y = add(x, project(depthwise(conv(x)))), row by row. y [B,Ho,Wo,Co], x [B,H,W,C]. conv_mask and
// depthwise_mask: masks over those stages' results, or NULL. scratch: the bytes that
// tfdgsu_conv_block_scratch_bytes says; not touched if that is 0. y may begin below x and overlap
// it: rows of x are read in ascending order, a row of y is written after those it depends on.
void tfdgsu_conv_block_i8(int8_t* y, uint8_t* conv_mask, uint8_t* depthwise_mask, const int8_t* x,
                          void* scratch, const TfdgsuConvBlock* block);

// Bytes of scratch; -1 if they don't fit in int32_t. No pointer is looked at.
int32_t tfdgsu_conv_block_scratch_bytes(const TfdgsuConvBlock* block);

// Row oy of a convolution: y [Wo,O]. addend [Wo,O]: y = add(addend, result) unless add is NULL; y
// may alias addend. Takes about 3 KB of stack.
void tfdgsu_conv_2d_row_i8(int8_t* y, const TfdgsuRowsI8* x, int32_t oy, const TfdgsuStageI8* stage,
    const TfdgsuOverlayI8* overlay, const int8_t* addend, const TfdgsuAddI8* add);

// Row oy of a depthwise convolution: y [Wo,C]. addend as above.
void tfdgsu_depthwise_conv_2d_row_i8(int8_t* y, const TfdgsuRowsI8* x, int32_t oy,
                                     const TfdgsuStageI8* stage, const int8_t* addend,
                                     const TfdgsuAddI8* add);

// Bits [begin, begin + n) of a mask: low < y[i] < high. Earlier bits stay, later ones become zero.
void tfdgsu_mask_run_i8(uint8_t* bits, int32_t begin, const int8_t* y, int32_t low, int32_t high,
                        int32_t n);

#ifdef __cplusplus
}
#endif

#endif  // TFDGSU_KERNELS_INT8_H_
