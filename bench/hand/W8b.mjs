import { Trajectory } from "./rk4.mjs";

export function create({ th: { data: th } }, { obs: { data: obs }, u0: { data: u0 }, v0: { data: v0 } }) {
  const trajectory = new Trajectory(obs, 0.05);
  const results = { th: new Float64Array(4), l: new Float64Array(1) };
  const run = () => {
    const share = 1 / (obs.length * u0.length);
    let l = 0;
    results.th.fill(0);
    for (let i = 0; i < u0.length; i++) l += trajectory.run(u0[i], v0[i], th, results.th, share);
    results.l[0] = l;
  };
  return { run, results };
}
