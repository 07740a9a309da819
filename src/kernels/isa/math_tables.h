// Tables of math.h for instruction sets that look sixteen numbers up in one register.
#pragma once

#include "kernels/isa/lane_table.h"

#if defined(__AVX512F__)
namespace ember::kernels::EMBER_ISA {

// 2^(i/16) and what its rounding left over.
alignas(64) static constexpr float kPowers[16] = {
    1.0f, 1.0442737f, 1.0905077f, 1.1387886f, 1.1892071f, 1.2418578f, 1.2968396f, 1.3542556f,
    1.4142135f, 1.4768262f, 1.5422108f, 1.6104903f, 1.6817929f, 1.7562522f, 1.8340081f, 1.9152066f};
alignas(64) static constexpr float kPowersRest[16] = {
    0.0f, 4.83347e-08f, -1.307754e-08f, 5.3862223e-08f, 3.7976353e-08f, 4.496838e-08f,
    -4.0189995e-08f, -1.0123349e-08f, 2.4203235e-08f, -4.500899e-08f, 8.070905e-09f, 9.836217e-09f,
    -2.4755327e-08f, -9.23577e-09f, -1.1239278e-08f, 9.845328e-09f};

// f 2^(i/16) and f 2^(-i/16). Of all floats f in [1, 2) this one makes the largest error of rounding them smallest, a quarter ULP.
alignas(64) static constexpr float kScaledPowers[16] = {
    1.8130949f, 1.8933674f, 1.977194f, 2.0647318f, 2.1561453f, 2.251606f, 2.351293f, 2.4553938f,
    2.5641034f, 2.677626f, 2.7961745f, 2.9199717f, 3.04925f, 3.1842518f, 3.3252306f, 3.4724512f};
alignas(64) static constexpr float kScaledRoots[16] = {
    1.8130949f, 1.7362256f, 1.6626153f, 1.5921259f, 1.524625f, 1.4599859f, 1.3980873f, 1.338813f,
    1.2820517f, 1.2276969f, 1.1756465f, 1.125803f, 1.0780727f, 1.0323659f, 0.988597f, 0.9466837f};

// tanh a as polynomials of degree 5 in d = a - [0][i]: [1][i] + d [2][i] + d^2 [3][i] + ... The pieces' ends are where 1 + 1.65 a is
// 1, 1.25, 1.5, 1.75, twice these, 4 and 8 times these; the first is i = 12. Least squares at Chebyshev's points; where in the middle
// of a piece d = 0 stands is chosen so that tanh is nearly a float there. The error is 2.4e-8 at most.
alignas(64) static constexpr float kTanh[7][16] = {
    {7.5862896e-1f, 1.0590205f, 1.3639306f, 1.6668979f, 2.1219378f, 2.7262552f, 3.3301299f, 3.9368792f,
     4.851268f, 6.0706444f, 7.2780433f, 8.495611f, 0, 2.2744721e-1f, 3.7742472e-1f, 5.305369e-1f},
    {6.402687e-1f, 7.852887e-1f, 8.773016e-1f, 9.3114036e-1f, 9.717024e-1f, 9.914655e-1f, 9.9744165e-1f, 9.992391e-1f,
     9.9987775e-1f, 9.9998933e-1f, 9.9999905e-1f, 9.9999994e-1f, 0, 2.2360459e-1f, 3.604689e-1f, 4.857914e-1f},
    {5.9005606e-1f, 3.8332167e-1f, 2.3034193e-1f, 1.3297762e-1f, 5.5794433e-2f, 1.6996149e-2f, 5.1101535e-3f, 1.5212465e-3f,
     2.4450637e-4f, 2.1341672e-5f, 1.907577e-6f, 1.7125805e-7f, 1.0f, 9.50001e-1f, 8.700622e-1f, 7.6400673e-1f},
    {-3.7779436e-1f, -3.010226e-1f, -2.0208198e-1f, -1.238216e-1f, -5.4213673e-2f, -1.6849015e-2f, -5.096308e-3f, -1.5198443e-3f,
     -2.4378838e-4f, -2.1279853e-5f, -1.9021802e-6f, -4.2844437e-7f, 7.846338e-7f, -2.1242364e-1f, -3.1362936e-1f, -3.7114725e-1f},
    {4.5194697e-2f, 1.0861188e-1f, 1.0050802e-1f, 7.097023e-2f, 3.408529e-2f, 1.1041413e-2f, 3.3806781e-3f, 1.0118206e-3f,
     1.6247008e-4f, 1.4165818e-5f, 1.2673654e-6f, 5.0165497e-8f, -3.3338e-1f, -2.691759e-1f, -1.7696819e-1f, -7.437175e-2f},
    {9.698826e-2f, 1.5664326e-2f, -2.0447895e-2f, -2.470176e-2f, -1.5115462e-2f, -5.402977e-3f, -1.6999766e-3f, -5.129159e-4f,
     -8.7159395e-5f, -7.614261e-6f, -6.8062207e-7f, 5.142483e-7f, 8.23242e-4f, 1.3046461e-1f, 1.677771e-1f, 1.5948977e-1f},
    {-6.3206285e-2f, -3.945434e-2f, -1.0388255e-2f, 2.2825035e-3f, 4.451535e-3f, 1.9957856e-3f, 6.5951917e-4f, 2.0232654e-4f,
     3.4794622e-5f, 3.0946053e-6f, 2.7366744e-7f, 1.9001963e-7f, 1.2848844e-1f, 8.2553074e-2f, 1.77939e-2f, -3.5229865e-2f},
};

}  // namespace ember::kernels::EMBER_ISA
#endif
