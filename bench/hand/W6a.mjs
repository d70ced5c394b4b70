export function create({ p: { data: start } }, _, { steps, rate }) {
  const p = new Float32Array(2);
  const run = () => {
    p.set(start);
    for (let k = 0; k < steps; k++) step(p, rate);
  };
  return { run, results: { p } };
}

function step(p, rate) {
  const x = p[0],
    y = p[1];
  const d = y - x * x;
  p[0] = x - rate * (-2 * (1 - x) - 400 * d * x);
  p[1] = y - rate * 200 * d;
}
