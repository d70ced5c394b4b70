export function create({ pos: { data: pos } }, { m: { data: m } }) {
  const results = { pos: new Float32Array(pos.length), l: new Float64Array(1) };
  const run = () => {
    let l = 0;
    for (let i = 0; i < m.length; i++) {
      const x = pos[3 * i],
        y = pos[3 * i + 1],
        z = pos[3 * i + 2];
      let potential = 0,
        fx = 0,
        fy = 0,
        fz = 0;
      for (let j = 0, k = 0; j < m.length; j++, k += 3) {
        const dx = x - pos[k],
          dy = y - pos[k + 1],
          dz = z - pos[k + 2];
        const inverse = 1 / Math.sqrt(dx * dx + dy * dy + dz * dz + 0.0025);
        const u = m[j] * inverse;
        const f = u * inverse * inverse;
        potential += u;
        fx += f * dx;
        fy += f * dy;
        fz += f * dz;
      }
      l += m[i] * potential;
      results.pos[3 * i] = m[i] * fx;
      results.pos[3 * i + 1] = m[i] * fy;
      results.pos[3 * i + 2] = m[i] * fz;
    }
    results.l[0] = -0.5 * l;
  };
  return { run, results };
}
