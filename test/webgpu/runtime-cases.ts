// Bundled and run apart from the test runner by runtime.test.ts, on each implementation of WebGPU.
import { deepStrictEqual, ok, rejects, strictEqual, throws } from "node:assert";
import {
  createModel,
  DeviceLostError,
  jsDevice,
  StaleTensorError,
  UnsupportedError,
  webgpuDevice,
  type CreateOptions,
  type Model,
  type ModuleParts,
} from "../../src/runtime/index.js";
import type { LaunchSpec, ModuleSpec } from "../../src/runtime/types.js";
import { kernels, spec } from "../runtime/regression-module.js";
import { answer, openDevice } from "./gpu.mjs";

const { gpu, device } = await openDevice();

const parts: ModuleParts = { webgpu: webgpuDevice, js: jsDevice(kernels) };
const create = (options: CreateOptions = {}): Promise<Model> =>
  createModel(spec, parts, { backend: "webgpu", device, ...options });
const x = Float32Array.of(1, 2, 3, 4, 5, 6);
const t = Float32Array.of(0, 1, 2);
const params = { w: [1, -2], bias: 0.5 };
const near = (got: number | undefined, wanted: number | undefined, gap: number): void =>
  ok(Math.abs(got! - wanted!) <= gap, `${got} is not near ${wanted}`);

/** A module of one kernel: n → values. */
const single = (
  launch: Omit<LaunchSpec, "kernel" | "tensors" | "writes">,
  code: string,
  shape: ModuleSpec["tensors"][0]["shape"],
  dtype: "f32" | "bool" = "f32",
): ModuleSpec => {
  const entry = {
    launches: [{ kernel: "k", tensors: [0, 1], writes: [1], ...launch }],
    results: { y: 1 },
    grads: {},
    updates: [],
  };
  return {
    version: "0.1.0",
    name: "single",
    precision: "f32",
    dims: [{ name: "N" }],
    checks: [],
    losses: [],
    trains: [],
    wrt: [],
    tensors: [
      { name: "a", role: "input", dtype, shape: ["N"] },
      { name: "y", role: "value", dtype, shape },
    ],
    targets: {
      wgsl: { forward: entry, backward: {}, step: {}, shaders: { k: { code, workgroupSize: 64 } } },
    },
  };
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
      const model = await createModel(
        single({ sizes: ["N"], grid: [{ extent: "N", step: 1 }] }, code, ["N"]),
        { webgpu: webgpuDevice },
        { device },
      );
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
      const launch = { sizes: ["N"], grid: [], steps: { first: 0, count: "N", direction: 1 as const } };
      const model = await createModel(
        single(launch, code, [{ terms: [[1, "N"], [1]] }]),
        { webgpu: webgpuDevice },
        { device },
      );
      deepStrictEqual([...(await model.forward({ a: [1, 2, 3, 4] })["y"]!.read())], [0, 1, 3, 6, 10]);
    },
  ],
  [
    "keeps bools as words",
    async () => {
      const code = `@group(0) @binding(0) var<storage, read> a: array<u32>; @group(0) @binding(1) var<storage, read_write> y: array<u32>;
      @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) gid: vec3<u32>) { if (gid.x < 3u) { y[gid.x] = 1u - a[gid.x]; } }`;
      const model = await createModel(
        single({ sizes: [], grid: [{ extent: "N", step: 1 }] }, code, ["N"], "bool"),
        { webgpu: webgpuDevice },
        { device },
      );
      deepStrictEqual(await model.forward({ a: [true, false, true] })["y"]!.read(), Uint8Array.of(0, 1, 0));
    },
  ],
  [
    "says which kernel does not compile",
    async () => {
      const broken = single({ sizes: [], grid: [] }, "@compute fn main() { nonsense }", ["N"]);
      await rejects(createModel(broken, { webgpu: webgpuDevice }, { device }), /kernel k does not compile/);
    },
  ],
  [
    "a buffer beyond the device's limit is refused by name",
    async () => {
      const code = `@compute @workgroup_size(64) fn main() {}`;
      const huge = single({ sizes: [], grid: [] }, code, [{ terms: [[1 << 28, "N"]] }]);
      const model = await createModel(huge, { webgpu: webgpuDevice }, { device });
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
