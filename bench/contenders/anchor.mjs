import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LeftOut } from "./left-out.mjs";

const FOLDER = fileURLToPath(new URL("../anchor/", import.meta.url));
const COMPILERS = ["clang", ...[21, 20, 19, 18, 17, 16, 15, 14].map((version) => `clang-${version}`)];
const FLAGS = [
  "--target=wasm32",
  "-O3",
  "-ffast-math",
  "-msimd128",
  "-mbulk-memory",
  "-nostdlib",
  "-Wall",
  "-Werror",
];

/** What stands in `anchor/`, as one binary. @throws LeftOut where no clang with wasm-ld is installed */
function build() {
  const folder = mkdtempSync(join(tmpdir(), "gradc-anchor-"));
  const output = join(folder, "anchor.wasm");
  const sources = readdirSync(FOLDER)
    .filter((name) => name.endsWith(".c"))
    .map((name) => join(FOLDER, name));
  const linking = ["-Wl,--no-entry", "-Wl,--export-all", "-Wl,--import-memory"];
  try {
    const complaints = [];
    for (const compiler of COMPILERS) {
      const { status, error, stderr } = spawnSync(
        compiler,
        [...FLAGS, ...linking, ...sources, "-o", output],
        {
          encoding: "utf8",
        },
      );
      if (status === 0) return readFileSync(output);
      if (!error) complaints.push(stderr.trim());
    }
    throw new LeftOut(complaints[0] ?? "no clang with wasm-ld here (Debian: clang, lld)");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Linear memory with arrays one behind the other; nothing is freed. */
class Heap {
  constructor() {
    this.memory = new WebAssembly.Memory({ initial: 2048 });
  }
  start(base) {
    this.end = base;
  }
  /** @returns {number} the address of room for `count` floats */
  room(count) {
    const at = (this.end = Math.ceil(this.end / 64) * 64);
    this.end += 4 * count;
    return at;
  }
  /** Values of four bytes each. */
  put(values) {
    const at = this.room(values.length);
    new Uint8Array(this.memory.buffer, at, 4 * values.length).set(
      new Uint8Array(values.buffer, values.byteOffset, 4 * values.length),
    );
    return at;
  }
  view(at, count) {
    return new Float32Array(this.memory.buffer, at, count);
  }
}

/** Params put down, and room for their gradients. */
function gradientsOf(heap, params) {
  const list = Object.entries(params);
  const given = list.map(([, t]) => heap.put(t.data));
  const made = list.map(([, t]) => heap.room(t.data.length + 8));
  return { given, made, results: Object.fromEntries(list.map(([n, t], k) => [n, [made[k], t.data.length]])) };
}

/** For each workload: puts inputs down, and gives the call and where its results lie. */
const LAYOUTS = {
  W1({ W1 }, heap, { x, a, b, c }) {
    const N = x.data.length;
    const [px, pa, pb, pc] = [x, a, b, c].map((t) => heap.put(t.data));
    const [dx, out] = [heap.room(N), heap.room(4)];
    const at = (k) => [out + 4 * k, 1];
    return {
      run: () => W1(px, pa, pb, pc, dx, out, N),
      results: { x: [dx, N], a: at(0), b: at(1), c: at(2), l: at(3) },
    };
  },
  W2({ W2 }, heap, params, { x, y }) {
    const { given, made, results } = gradientsOf(heap, params);
    const before = [x, y].map((t) => heap.put(t.data));
    const [l, scratch] = [heap.room(1), heap.room(1e6)];
    return {
      run: () => W2(...before, ...given, ...made, l, scratch, x.shape[0]),
      results: { ...results, l: [l, 1] },
    };
  },
  W3({ W3 }, heap, { A, B }, { G }) {
    const [M, K] = A.shape;
    const N = B.shape[1];
    const given = [A, B, G].map((t) => heap.put(t.data));
    const [C, dA, dB, l, scratch] = [M * N, M * K, K * N, 1, 1e6].map((n) => heap.room(n));
    return {
      run: () => W3(...given, C, dA, dB, l, scratch, M, K, N),
      results: { A: [dA, M * K], B: [dB, K * N], l: [l, 1] },
    };
  },
  W4({ W4 }, heap, params, { x, y }) {
    const { given, made, results } = gradientsOf(heap, params);
    const before = [x, y].map((t) => heap.put(t.data));
    const [l, scratch] = [heap.room(1), heap.room(4e6)];
    return {
      run: () => W4(...before, ...given, ...made, l, scratch, x.shape[0]),
      results: { ...results, l: [l, 1] },
    };
  },
  W5({ W5 }, heap, params, { x, t }) {
    const { given, made, results } = gradientsOf(heap, params);
    const before = [x, t].map((tensor) => heap.put(tensor.data));
    const [p, dp] = [given, made].map((addresses) => heap.put(Uint32Array.from(addresses)));
    const [l, scratch] = [heap.room(1), heap.room(2e6)];
    return { run: () => W5(...before, p, dp, l, scratch, x.shape[0]), results: { ...results, l: [l, 1] } };
  },
  W6a({ W6a }, heap, { p }, _, { steps, rate }) {
    const at = heap.put(p.data);
    return {
      run() {
        heap.view(at, 2).set(p.data);
        for (let k = 0; k < steps; k++) W6a(at, rate);
      },
      results: { p: [at, 2] },
    };
  },
  W6b({ W6b }, heap, { w, b }, { X, y }, { steps, rate }) {
    const [N, D] = X.shape;
    const turned = new Float32Array(N * D);
    for (let n = 0; n < N; n++) for (let d = 0; d < D; d++) turned[d * N + n] = X.data[n * D + d];
    const [pw, pb, pX, py, dz] = [w.data, b.data, turned, y.data, new Float32Array(N)].map((v) =>
      heap.put(v),
    );
    return {
      run() {
        heap.view(pw, D).set(w.data);
        heap.view(pb, 1).set(b.data);
        for (let k = 0; k < steps; k++) W6b(pw, pb, pX, py, dz, rate, N, D);
      },
      results: { w: [pw, D], b: [pb, 1] },
    };
  },
  W7({ W7 }, heap, { pos }, { m }) {
    const N = m.data.length;
    const [ppos, pm] = [pos, m].map((t) => heap.put(t.data));
    const [dpos, l, scratch] = [3 * N, 1, 3 * N].map((n) => heap.room(n));
    return { run: () => W7(ppos, pm, dpos, l, scratch, N), results: { pos: [dpos, 3 * N], l: [l, 1] } };
  },
  W8({ W8 }, heap, { th }, { obs }) {
    const T = obs.shape[0];
    const given = [th, obs].map((t) => heap.put(t.data));
    const [out, kept] = [5, 64 * (T + 2)].map((n) => heap.room(n));
    return { run: () => W8(...given, out, kept, T), results: { th: [out, 4], l: [out + 16, 1] } };
  },
  W8b({ W8b }, heap, { th }, { obs, u0, v0 }) {
    const T = obs.shape[0];
    const given = [th, obs, u0, v0].map((t) => heap.put(t.data));
    const [out, kept] = [5, 64 * (T + 2)].map((n) => heap.room(n));
    return {
      run: () => W8b(...given, out, kept, T, u0.data.length),
      results: { th: [out, 4], l: [out + 16, 1] },
    };
  },
  W9({ W9 }, heap, { X }, { G }) {
    const [R, K] = X.shape;
    const given = [X, G].map((t) => heap.put(t.data));
    const [dX, l] = [R * K, 1].map((n) => heap.room(n));
    return { run: () => W9(...given, dX, l, R, K), results: { X: [dX, R * K], l: [l, 1] } };
  },
};

/** The anchor that the goals are set against: C with SIMD intrinsics, compiled to WebAssembly. */
export async function prepare(workload) {
  const layout = LAYOUTS[workload.name];
  if (!layout) throw new LeftOut("not written in C");
  const heap = new Heap();
  const { instance } = await WebAssembly.instantiate(build(), { env: { memory: heap.memory } });
  heap.start(instance.exports.__heap_base.value);
  const { param, data } = workload.inputs();
  const { run, results } = layout(instance.exports, heap, param, data, workload);
  return {
    run: () => void run(),
    async results() {
      run();
      return Object.fromEntries(
        Object.entries(results).map(([name, [at, count]]) => [name, heap.view(at, count).slice()]),
      );
    },
    dispose() {},
  };
}
