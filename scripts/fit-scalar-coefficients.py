"""Writes src/ir/scalar/coefficients.ts: polynomials of the special functions, by Chebyshev interpolation at 60 digits.

Run: python3 scripts/fit-scalar-coefficients.py > src/ir/scalar/coefficients.ts   (needs mpmath)
"""
import sys
from mpmath import mp, mpf, erf, erfc, exp, loggamma, digamma, findroot, cos, pi, sqrt, asin, atan, bernoulli, log, sin, atanh, tanh

mp.dps = 60


def fit(f, lo, hi, degree, centre):
    """Coefficients in powers of (x - centre), lowest first, and the greatest relative error."""
    n = degree + 1
    nodes = [(lo + hi) / 2 + (hi - lo) / 2 * cos(pi * (mpf(k) + mpf(1) / 2) / n) for k in range(n)]
    values = [f(x) for x in nodes]
    # Newton's divided differences, then expanded.
    d = list(values)
    for j in range(1, n):
        for k in range(n - 1, j - 1, -1):
            d[k] = (d[k] - d[k - 1]) / (nodes[k] - nodes[k - j])
    c = [mpf(0)]
    for k in range(n - 1, -1, -1):
        shifted = [mpf(0)] + c
        c = [a - (nodes[k] - centre) * b for a, b in zip(shifted, c + [mpf(0)])]
        c[0] += d[k]
    while len(c) > n:
        c.pop()
    worst = mpf(0)
    for k in range(400):
        x = lo + (hi - lo) * (mpf(k) + mpf(1) / 2) / 400
        p = mpf(0)
        for a in reversed(c):
            p = p * (x - centre) + a
        worst = max(worst, abs(p / f(x) - 1))
    return c, worst


def emit(name, doc, f, lo, hi, degree, centre, digits):
    lo, hi, centre = mpf(lo), mpf(hi), mpf(centre)
    c, worst = fit(f, lo, hi, degree, centre)
    print(f"/** {doc} Relative error {mp.nstr(worst, 2)}. */")
    print(f"export const {name}: readonly number[] = [")
    for a in c:
        print(f"  {mp.nstr(a, digits, min_fixed=-5, max_fixed=6).removesuffix('.0')},")
    print("];")
    print(f"{name} {mp.nstr(worst, 3)} max coefficient {mp.nstr(max(map(abs, c)), 3)}", file=sys.stderr)


def safe(f, at, eps=mpf(10) ** -25):
    """f with its removable singularities stepped over."""
    return lambda x: f(x + eps) if any(abs(x - a) < eps for a in at) else f(x)


erfcx = lambda x: exp(x * x) * erfc(x)
root = findroot(digamma, mpf("1.4616321449683623"))
lg = safe(lambda x: loggamma(x) / ((x - 1) * (x - 2)), [1, 2])
dg = safe(lambda x: digamma(x) / (x - root), [root])

print("// Written by scripts/fit-scalar-coefficients.py. Lowest power first.\n")
D, S = 17, 9
emit("ERF_F64", "erf(x) / x in x², |x| <= 1.", lambda z: erf(sqrt(z)) / sqrt(z), "1e-20", 1, 14, 0, D)
emit("ERFCX_NEAR_F64", "exp(x²) erfc(x) in x - 2, 1 <= x <= 3.", erfcx, 1, 3, 20, 2, D)
emit("ERFCX_FAR_F64", "x exp(x²) erfc(x) in 1 / x², x >= 3.", lambda z: erfcx(1 / sqrt(z)) / sqrt(z), "1e-6", mpf(1) / 9, 18, 0, D)
emit("LGAMMA_F64", "lgamma(x) / ((x - 1) (x - 2)) in x - 1.5, 1 <= x <= 2.", lg, 1, 2, 20, "1.5", D)
emit("DIGAMMA_F64", "digamma(x) / (x - its root) in x - 1.5, 1 <= x <= 2.", dg, 1, 2, 20, "1.5", D)
emit("ERF_F32", "erf(x) / x in x², |x| <= 1.", lambda z: erf(sqrt(z)) / sqrt(z), "1e-20", 1, 7, 0, S)
emit("ERFCX_F32", "(1 + x) exp(x²) erfc(x) in (x - 3) / (x + 3), 1 <= x <= 11.", lambda t: (1 + 3 * (1 + t) / (1 - t)) * erfcx(3 * (1 + t) / (1 - t)), "-0.5", mpf(8) / 14, 9, 0, S)
emit("LGAMMA_F32", "lgamma(x) / ((x - 1) (x - 2)) in x - 1.5, 1 <= x <= 2.", lg, 1, 2, 9, "1.5", S)
emit("DIGAMMA_F32", "digamma(x) / (x - its root) in x - 1.5, 1 <= x <= 2.", dg, 1, 2, 9, "1.5", S)
emit("ASIN_F32", "(asin(x) - x) / x³ in x², |x| <= 1/2.", lambda z: (asin(sqrt(z)) / sqrt(z) - 1) / z, "1e-12", "0.25", 5, 0, S)
emit("ATAN_F32", "(atan(x) - x) / x³ in x², |x| <= 1.", lambda z: (atan(sqrt(z)) / sqrt(z) - 1) / z, "1e-12", 1, 9, 0, S)
emit("SIN_F32", "(sin(x) - x) / x³ in x², |x| <= pi / 4.", lambda z: (sin(sqrt(z)) / sqrt(z) - 1) / z, "1e-12", "0.62", 2, 0, S)
emit("COS_F32", "(cos(x) - 1 + x² / 2) / x⁴ in x², |x| <= pi / 4.", lambda z: (cos(sqrt(z)) - 1 + z / 2) / z**2, "1e-9", "0.62", 2, 0, S)
emit("ATANH_F32", "(atanh(x) - x) / x³ in x², |x| <= 0.18.", lambda z: (atanh(sqrt(z)) / sqrt(z) - 1) / z, "1e-12", "0.0324", 3, 0, S)
emit("TANH_F32", "(tanh(x) - x) / x³ in x², |x| <= 0.6.", lambda z: (tanh(sqrt(z)) / sqrt(z) - 1) / z, "1e-12", "0.36", 4, 0, S)
emit("EXP_F32", "(exp(x) - 1 - x) / x² in x, |x| <= log(2) / 2.", safe(lambda x: (exp(x) - 1 - x) / x**2, [0]), "-0.3466", "0.3466", 4, 0, S)
emit("EXPM1_F32", "(exp(x) - 1 - x) / x² in x, |x| <= 0.4.", lambda x: (exp(x) - 1 - x) / x**2, "-0.4", "0.4", 5, 0, S)
# In double, for results of f32: 1e-10 is a small part of its rounding.
emit("EXP_SINGLE", "(exp(x) - 1 - x) / x² in x, |x| <= log(2) / 2.", safe(lambda x: (exp(x) - 1 - x) / x**2, [0]), "-0.3466", "0.3466", 5, 0, D)
emit("LOG_SINGLE", "(log((1 + x) / (1 - x)) - 2 x) / x³ in x², |x| <= 3 - sqrt(8).", lambda z: (2 * atanh(sqrt(z)) / sqrt(z) - 2) / z, "1e-12", "0.02944", 3, 0, D)
emit("SIN_SINGLE", "(sin(x) - x) / x³ in x², |x| <= pi / 4.", lambda z: (sin(sqrt(z)) / sqrt(z) - 1) / z, "1e-12", "0.617", 3, 0, D)
emit("COS_SINGLE", "(cos(x) - 1) / x² in x², |x| <= pi / 4.", lambda z: (cos(sqrt(z)) - 1) / z, "1e-9", "0.617", 4, 0, D)
emit("TANH_SINGLE", "(tanh(x) - x) / x³ in x², |x| <= 0.3.", lambda z: (tanh(sqrt(z)) / sqrt(z) - 1) / z, "1e-12", "0.09", 3, 0, D)
print("/** The positive root of digamma, in two parts. */")
hi = mpf(float(root))
print(f"export const DIGAMMA_ROOT = {float(root)!r};")
print(f"export const DIGAMMA_ROOT_LOW = {mp.nstr(root - hi, 17)};")
import struct
hi32 = mpf(struct.unpack('f', struct.pack('f', float(root)))[0])
print(f"export const DIGAMMA_ROOT_F32 = {mp.nstr(hi32, 20)};")
print(f"export const DIGAMMA_ROOT_LOW_F32 = {mp.nstr(root - hi32, 9)};")
print("/** B(2k), k = 1 … 15. */")
print("export const BERNOULLI: readonly number[] = [")
for k in range(1, 16):
    print(f"  {float(bernoulli(2 * k))!r},")
print("];")
