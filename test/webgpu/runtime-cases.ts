// Bundled and run apart from the test runner by runtime.test.ts, on each implementation of WebGPU.
import { deepStrictEqual, ok, rejects, strictEqual, throws } from "node:assert";
import {
  createModel,
  DeviceLostError,
  jsDevice,
  StaleTensorError,
  UnsupportedError,
  webgpuDevice,
  whole,
  type CreateOptions,
  type Devices,
  type Model,
} from "../../src/runtime/index.js";
import type { Entry, ModuleSpec, Size } from "../../src/runtime/types.js";
import { entriesFor, kernels, shaders, spec } from "../runtime/regression-module.js";
import { answer, openDevice } from "./gpu.mjs";

const { gpu, device } = await openDevice();

const parts: Devices = {
  webgpu: webgpuDevice(shaders, entriesFor(true)),
  js: jsDevice(kernels, entriesFor(false)),
};
const create = (options: CreateOptions = {}): Promise<Model> =>
  createModel(spec, parts, { backend: "webgpu", device, ...options });
const x = Float32Array.of(1, 2, 3, 4, 5, 6);
const t = Float32Array.of(0, 1, 2);
const params = { w: [1, -2], bias: 0.5 };
const near = (got: number | undefined, wanted: number | undefined, gap: number): void =>
  ok(Math.abs(got! - wanted!) <= gap, `${got} is not near ${wanted}`);

/** A model of one kernel: n → values. */
const single = (
  code: string,
  shape: readonly Size[],
  call: (k: (...sizes: number[]) => void, N: number) => void,
  dtype: "f32" | "bool" = "f32",
): Promise<Model> => {
  const sizes: NonNullable<ModuleSpec["sizes"]> = {
    "N + 1": ({ N = NaN }) => N + 1,
    "268435456 * N": ({ N = NaN }) => 2 ** 28 * N,
  };
  const module: ModuleSpec = {
    version: "0.1.0",
    dims: { N: null },
    sizes,
    input: { a: { dtype, shape: ["N"], ...(dtype === "bool" && { check: whole }) } },
    param: {},
    state: {},
    optimizer: {},
    const: {},
    trains: [],
    losses: [],
    results: { y: { dtype, shape } },
  };
  const forward: Entry = (k, [a], v, dims) => {
    const [size = NaN] = shape;
    const y = v(typeof size === "number" ? size : (dims[size] ?? NaN), dtype);
    return [() => call((...taken) => k["k"]!(a!, y, ...taken), dims["N"]!), [y]];
  };
  const entries = { forward, backward: {}, step: {} };
  return createModel(module, { webgpu: webgpuDevice({ k: code }, entries) }, { device });
};

const CASES: readonly (readonly [title: string, run: () => Promise<void>])[] = [
  [
    "agrees with js over forward, backward and steps",
    async () => {
      const [a, b] = [await create({ params }), await create({ params, backend: "js" })];
      deepStrictEqual([a.backend, b.backend], ["webgpu", "js"]);
      for (const model of [a, b]) for (let k = 0; k < 3; k++) model.step({ x, t }, { rate: 0.01 });
      for (const name of ["w", "bias", "steps", "mse/v/w"]) {
        const wanted = await b.store.get(name).read();
        (await a.store.get(name).read()).forEach((v, i) => near(v, wanted[i]!, 5e-5));
      }
      const [ga, gb] = [a.backward({ x, t }), b.backward({ x, t })];
      near((await ga.grads["w"]!.read())[0], gb.grads["w"]!.data[0]!, 5e-4);
      deepStrictEqual(ga["column"]!.shape, [3, 1]);
    },
  ],
  [
    "captures what is read at the call; results go stale",
    async () => {
      const model = await create({ params });
      const out = model.forward({ x, t });
      const [y, mse] = [out["y"]!.read(), out["mse"]!.item()];
      const next = model.forward({ x: [[0, 0]], t: [0] });
      deepStrictEqual([...(await y)], [-2.5, -4.5, -6.5]);
      near(await mse, (2.5 ** 2 + 5.5 ** 2 + 8.5 ** 2) / 3, 5e-5);
      await rejects(out["y"]!.read(), StaleTensorError);
      throws(() => next["y"]!.data, UnsupportedError);
      strictEqual(next["y"]!.buffer.size, 16);
      deepStrictEqual([...(await next["y"]!.read())], [0.5]);
      const captured = next["y"]!.read();
      model.dispose();
      deepStrictEqual([...(await captured)], [0.5]);
    },
  ],
  [
    "takes tensors of its own and of other models of the device",
    async () => {
      const [a, b] = [await create({ params }), await create({ params })];
      const y = a.forward({ x, t })["y"]!;
      strictEqual(await b.forward({ x, t: y })["mse"]!.item(), 0);
      strictEqual(await a.forward({ x, t: y })["mse"]!.item(), 0);
      const one = a.forward({ x: [[1, 2]], t: [0] })["y"]!;
      deepStrictEqual([...(await a.forward({ x: [[0, 0]], t: one })["y"]!.read())], [0.5]);
    },
  ],
  [
    "folds workgroups past 65,535 into y",
    async () => {
      const code = `@group(0) @binding(0) var<storage, read> a: array<f32>; @group(0) @binding(1) var<storage, read_write> y: array<f32>;
      @group(0) @binding(2) var<uniform> sizes: array<vec4<u32>, 1>;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
        let i = gid.y * (groups.x * 64u) + gid.x; if (i >= sizes[0].x) { return; } y[i] = a[i] + 1.0; }`;
      const model = await single(code, ["N"], (k, N) => k(N, N));
      const n = 65535 * 64 + 1000;
      const y = await model.forward({ a: Float32Array.from({ length: n }, (_, i) => i % 1000) })["y"]!.read();
      strictEqual(y.length, n);
      strictEqual(
        y.findIndex((v, i) => v !== (i % 1000) + 1),
        -1,
      );
      strictEqual((await model.forward({ a: [] })["y"]!.read()).length, 0);
    },
  ],
  [
    "runs the steps of a recurrence in order, with the step's number last",
    async () => {
      const code = `@group(0) @binding(0) var<storage, read> a: array<f32>; @group(0) @binding(1) var<storage, read_write> y: array<f32>;
      @group(0) @binding(2) var<uniform> sizes: array<vec4<u32>, 1>;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) gid: vec3<u32>) {
        if (gid.x > 0u) { return; } let s = sizes[0].y; if (s == 0u) { y[0] = 0.0; } y[s + 1u] = y[s] + a[s]; }`;
      const model = await single(code, ["N + 1"], (k, N) => {
        for (let n = 0; n < N; n++) k(N, n, 1);
      });
      deepStrictEqual([...(await model.forward({ a: [1, 2, 3, 4] })["y"]!.read())], [0, 1, 3, 6, 10]);
    },
  ],
  [
    "keeps bools as words",
    async () => {
      const code = `@group(0) @binding(0) var<storage, read> a: array<u32>; @group(0) @binding(1) var<storage, read_write> y: array<u32>;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) gid: vec3<u32>) { if (gid.x < 3u) { y[gid.x] = 1u - a[gid.x]; } }`;
      const model = await single(code, ["N"], (k, N) => k(N), "bool");
      deepStrictEqual(await model.forward({ a: [true, false, true] })["y"]!.read(), Uint8Array.of(0, 1, 0));
    },
  ],
  [
    "says which kernel does not compile",
    async () => {
      const broken = single("@compute fn main() { nonsense }", ["N"], (k) => k(1));
      await rejects(broken, /kernel k does not compile/);
    },
  ],
  [
    "a buffer beyond the device's limit is refused by name",
    async () => {
      const code = `@compute @workgroup_size(64) fn main() {}`;
      const model = await single(code, ["268435456 * N"], (k) => k(1));
      throws(() => model.forward({ a: new Float32Array(8) }), UnsupportedError);
    },
  ],
  [
    "a lost device fails calls and reads",
    async () => {
      const own = await (await gpu.requestAdapter())!.requestDevice();
      const model = await create({ params, device: own });
      const out = model.forward({ x, t });
      own.destroy();
      await own.lost;
      await rejects(out["y"]!.read(), DeviceLostError);
      throws(() => model.forward({ x, t }), DeviceLostError);
      model.dispose();
    },
  ],
  [
    "leaves the caller's device alone",
    async () => {
      (await create({ params })).dispose();
      strictEqual([...(await (await create({ params })).forward({ x, t })["y"]!.read())].length, 3);
    },
  ],
  [
    "falls back where there is no adapter",
    async () => {
      const { navigator } = globalThis;
      Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
      strictEqual((await createModel(spec, parts, {})).backend, "js");
      await rejects(createModel(spec, parts, { backend: "webgpu" }), /no WebGPU adapter/);
      Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
    },
  ],
];

const failures: { title: string; error: string | null }[] = [];
for (const [title, run] of CASES)
  failures.push({
    title,
    error: await run().then(
      () => null,
      (error: Error) => error.stack ?? error.message,
    ),
  });
device.destroy();
await answer(failures);
