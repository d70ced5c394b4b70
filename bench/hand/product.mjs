/**
 * c[m, n] = sum over k of a[m, k] * b[k, n], in tiles of 4×4 sums in registers.
 * @param a element [m, k] at m * am + k * ak @param b row-major [K, N] @param c row-major [M, N]
 */
export function product(M, N, K, a, am, ak, b, c) {
  const wholeM = M - (M % 4);
  const wholeN = N - (N % 4);
  for (let m = 0; m < wholeM; m += 4) {
    for (let n = 0; n < wholeN; n += 4) tile(K, a, m * am, am, ak, b, n, N, c, m * N + n);
    if (wholeN < N) rest(m, m + 4, wholeN, N, N, K, a, am, ak, b, c);
  }
  if (wholeM < M) rest(wholeM, M, 0, N, N, K, a, am, ak, b, c);
}

function tile(K, a, a0, am, ak, b, b0, bk, c, c0) {
  let s00 = 0,
    s01 = 0,
    s02 = 0,
    s03 = 0;
  let s10 = 0,
    s11 = 0,
    s12 = 0,
    s13 = 0;
  let s20 = 0,
    s21 = 0,
    s22 = 0,
    s23 = 0;
  let s30 = 0,
    s31 = 0,
    s32 = 0,
    s33 = 0;
  const a1 = a0 + am,
    a2 = a1 + am,
    a3 = a2 + am;
  for (let k = 0, i = 0, j = b0; k < K; k++, i += ak, j += bk) {
    const x0 = a[a0 + i],
      x1 = a[a1 + i],
      x2 = a[a2 + i],
      x3 = a[a3 + i];
    const y0 = b[j],
      y1 = b[j + 1],
      y2 = b[j + 2],
      y3 = b[j + 3];
    s00 += x0 * y0;
    s01 += x0 * y1;
    s02 += x0 * y2;
    s03 += x0 * y3;
    s10 += x1 * y0;
    s11 += x1 * y1;
    s12 += x1 * y2;
    s13 += x1 * y3;
    s20 += x2 * y0;
    s21 += x2 * y1;
    s22 += x2 * y2;
    s23 += x2 * y3;
    s30 += x3 * y0;
    s31 += x3 * y1;
    s32 += x3 * y2;
    s33 += x3 * y3;
  }
  row(c, c0, s00, s01, s02, s03);
  row(c, c0 + bk, s10, s11, s12, s13);
  row(c, c0 + 2 * bk, s20, s21, s22, s23);
  row(c, c0 + 3 * bk, s30, s31, s32, s33);
}

function row(c, at, s0, s1, s2, s3) {
  c[at] = s0;
  c[at + 1] = s1;
  c[at + 2] = s2;
  c[at + 3] = s3;
}

/** The elements that fill no tile. */
function rest(m0, m1, n0, n1, N, K, a, am, ak, b, c) {
  for (let m = m0; m < m1; m++)
    for (let n = n0; n < n1; n++) {
      let s = 0;
      for (let k = 0; k < K; k++) s += a[m * am + k * ak] * b[k * N + n];
      c[m * N + n] = s;
    }
}

/** The transpose of a row-major [R, C], into `to`. */
export function transpose(R, C, from, to) {
  for (let r = 0; r < R; r++) for (let c = 0; c < C; c++) to[c * R + r] = from[r * C + c];
  return to;
}
