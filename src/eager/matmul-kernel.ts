/** Depth of a block: a panel of 4 rows of A and 4 columns of B of this depth is 16 KiB, and stays in the first cache. */
const DEPTH = 256;

interface Matrix {
  readonly data: { readonly [index: number]: number };
  readonly offset: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** Lines `lines` of `depth` entries, zero-padded to a multiple of 4 lines and interleaved by fours: p[line / 4][k][line % 4]. */
function pack(
  m: Matrix,
  lines: number,
  lineStride: number,
  from: number,
  depth: number,
  step: number,
): Float64Array {
  const padded = Math.ceil(lines / 4) * 4;
  const panel = new Float64Array(padded * depth);
  for (let line = 0; line < lines; line++) {
    let at = m.offset + line * lineStride + from * step;
    let to = (line >> 2) * 4 * depth + (line & 3);
    for (let k = 0; k < depth; k++, at += step, to += 4) panel[to] = m.data[at]!;
  }
  return panel;
}

/**
 * sums[i, j] += Σ_k A[i, k] B[k, j], in double. A block of depth is packed so that the innermost loop reads both operands
 * one after the other, and keeps 4 × 4 sums in registers.
 */
export function multiply(
  a: Matrix,
  b: Matrix,
  rows: number,
  depth: number,
  columns: number,
  sums: Float64Array,
): void {
  for (let from = 0; from < depth; from += DEPTH) {
    const d = Math.min(DEPTH, depth - from);
    const p = pack(a, rows, a.rowStride, from, d, a.columnStride);
    const q = pack(b, columns, b.columnStride, from, d, b.rowStride);
    for (let i = 0; i < rows; i += 4)
      for (let j = 0; j < columns; j += 4)
        tile(p, i * d, q, j * d, d, sums, i, j, Math.min(4, rows - i), Math.min(4, columns - j), columns);
  }
}

function tile(
  p: Float64Array,
  pi: number,
  q: Float64Array,
  qj: number,
  depth: number,
  sums: Float64Array,
  row: number,
  column: number,
  rows: number,
  columns: number,
  width: number,
): void {
  let [s00, s01, s02, s03] = [0, 0, 0, 0];
  let [s10, s11, s12, s13] = [0, 0, 0, 0];
  let [s20, s21, s22, s23] = [0, 0, 0, 0];
  let [s30, s31, s32, s33] = [0, 0, 0, 0];
  for (let k = 0; k < depth; k++, pi += 4, qj += 4) {
    const b0 = q[qj]!;
    const b1 = q[qj + 1]!;
    const b2 = q[qj + 2]!;
    const b3 = q[qj + 3]!;
    let a = p[pi]!;
    s00 += a * b0;
    s01 += a * b1;
    s02 += a * b2;
    s03 += a * b3;
    a = p[pi + 1]!;
    s10 += a * b0;
    s11 += a * b1;
    s12 += a * b2;
    s13 += a * b3;
    a = p[pi + 2]!;
    s20 += a * b0;
    s21 += a * b1;
    s22 += a * b2;
    s23 += a * b3;
    a = p[pi + 3]!;
    s30 += a * b0;
    s31 += a * b1;
    s32 += a * b2;
    s33 += a * b3;
  }
  const own = [s00, s01, s02, s03, s10, s11, s12, s13, s20, s21, s22, s23, s30, s31, s32, s33];
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) sums[(row + i) * width + column + j]! += own[4 * i + j]!;
}
