import { Trajectory } from "./rk4.mjs";

export function create({ th: { data: th } }, { obs: { data: obs } }) {
  const trajectory = new Trajectory(obs, 0.05);
  const results = { th: new Float64Array(4), l: new Float64Array(1) };
  const run = () => {
    results.th.fill(0);
    results.l[0] = trajectory.run(1, 1, th, results.th, 1 / obs.length);
  };
  return { run, results };
}
