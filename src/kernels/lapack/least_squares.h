// Least squares of matrices whose rank is not known.
#pragma once

namespace ember::kernels::lapack {

/// As gelsy, for A (m, n) without gaps between its columns: singular values below `rcond` times the largest count as 0, and the shortest of the
/// solutions is found. Tall matrices that are clearly of full rank, where the solution is the only one, skip gelsy's exchange of columns, whose
/// products cannot be blocked.
template <class T>
int least_squares(int m, int n, int nrhs, T* a, T* b, int ldb, T rcond, int* rank);

}  // namespace ember::kernels::lapack
