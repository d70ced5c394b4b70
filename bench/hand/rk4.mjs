/** One trajectory of Lotka-Volterra by RK4, its squared distance to `obs` [T, 2], and the gradient for the rates. */
export class Trajectory {
  constructor(obs, dt) {
    this.obs = obs;
    this.dt = dt;
    this.u = new Float64Array(obs.length / 2 + 1);
    this.v = new Float64Array(obs.length / 2 + 1);
  }

  /** From (u0, v0); adds `share` times the gradient to `grads` and gives `share` times the distance. */
  run(u0, v0, th, grads, share) {
    const { obs, dt, u, v } = this;
    const T = obs.length / 2;
    const a = th[0],
      b = th[1],
      c = th[2],
      d = th[3],
      h = dt / 2,
      sixth = dt / 6;
    u[0] = u0;
    v[0] = v0;
    let l = 0;
    for (let t = 0; t < T; t++) {
      const x = u[t],
        y = v[t];
      const k1 = a * x - b * x * y,
        m1 = d * x * y - c * y;
      const x2 = x + h * k1,
        y2 = y + h * m1;
      const k2 = a * x2 - b * x2 * y2,
        m2 = d * x2 * y2 - c * y2;
      const x3 = x + h * k2,
        y3 = y + h * m2;
      const k3 = a * x3 - b * x3 * y3,
        m3 = d * x3 * y3 - c * y3;
      const x4 = x + dt * k3,
        y4 = y + dt * m3;
      const k4 = a * x4 - b * x4 * y4,
        m4 = d * x4 * y4 - c * y4;
      u[t + 1] = x + sixth * (k1 + 2 * k2 + 2 * k3 + k4);
      v[t + 1] = y + sixth * (m1 + 2 * m2 + 2 * m3 + m4);
      const eu = u[t + 1] - obs[2 * t],
        ev = v[t + 1] - obs[2 * t + 1];
      l += eu * eu + ev * ev;
    }
    let gu = 0,
      gv = 0,
      ga = 0,
      gb = 0,
      gc = 0,
      gd = 0;
    for (let t = T - 1; t >= 0; t--) {
      gu += 2 * share * (u[t + 1] - obs[2 * t]);
      gv += 2 * share * (v[t + 1] - obs[2 * t + 1]);
      // the stages again, then backwards through them
      const x = u[t],
        y = v[t];
      const x2 = x + h * (a * x - b * x * y),
        y2 = y + h * (d * x * y - c * y);
      const x3 = x + h * (a * x2 - b * x2 * y2),
        y3 = y + h * (d * x2 * y2 - c * y2);
      const x4 = x + dt * (a * x3 - b * x3 * y3),
        y4 = y + dt * (d * x3 * y3 - c * y3);
      const p4 = sixth * gu,
        q4 = sixth * gv;
      const sx4 = p4 * (a - b * y4) + q4 * d * y4,
        sy4 = -p4 * b * x4 + q4 * (d * x4 - c);
      const p3 = 2 * sixth * gu + dt * sx4,
        q3 = 2 * sixth * gv + dt * sy4;
      const sx3 = p3 * (a - b * y3) + q3 * d * y3,
        sy3 = -p3 * b * x3 + q3 * (d * x3 - c);
      const p2 = 2 * sixth * gu + h * sx3,
        q2 = 2 * sixth * gv + h * sy3;
      const sx2 = p2 * (a - b * y2) + q2 * d * y2,
        sy2 = -p2 * b * x2 + q2 * (d * x2 - c);
      const p1 = sixth * gu + h * sx2,
        q1 = sixth * gv + h * sy2;
      gu += sx4 + sx3 + sx2 + p1 * (a - b * y) + q1 * d * y;
      gv += sy4 + sy3 + sy2 - p1 * b * x + q1 * (d * x - c);
      ga += p4 * x4 + p3 * x3 + p2 * x2 + p1 * x;
      gb -= p4 * x4 * y4 + p3 * x3 * y3 + p2 * x2 * y2 + p1 * x * y;
      gc -= q4 * y4 + q3 * y3 + q2 * y2 + q1 * y;
      gd += q4 * x4 * y4 + q3 * x3 * y3 + q2 * x2 * y2 + q1 * x * y;
    }
    grads[0] += ga;
    grads[1] += gb;
    grads[2] += gc;
    grads[3] += gd;
    return l * share;
  }
}
