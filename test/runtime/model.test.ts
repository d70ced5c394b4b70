import { describe, expect, it } from "vitest";
import {
  createModel,
  DataError,
  jsDevice,
  StaleTensorError,
  UnsupportedError,
  writeSafetensors,
  type CreateOptions,
  type Entry,
  type Model,
  type ModuleSpec,
  type NamedTensor,
} from "../../src/runtime/index.js";
import { entriesFor, kernels, spec } from "./regression-module.js";

const create = (options: CreateOptions = {}): Promise<Model> =>
  createModel(spec, { js: jsDevice(kernels, entriesFor(false)) }, options);
const w = [1, -2];
const x = Float32Array.of(1, 2, 3, 4, 5, 6);
const t = Float32Array.of(0, 1, 2);

/** Reads only; what the model did is compared by a whole snapshot. */
async function contents(model: Model): Promise<unknown> {
  const { store } = model;
  return Promise.all(["w", "bias", "steps"].map(async (name) => [...(await store.get(name).read())]));
}
const fails = (run: () => unknown, code: string, ...texts: (string | RegExp)[]): void => {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(DataError);
    expect(error).toHaveProperty("code", code);
    for (const text of texts) expect(error).toHaveProperty("message", expect.stringMatching(text));
    return;
  }
  expect.fail("nothing was thrown");
};

describe("calls", () => {
  it("forward gives outputs and losses by name, with shapes", async () => {
    const model = await create({ params: { w, bias: 0.5 } });
    const out = model.forward({ x, t });
    expect(Object.keys(out)).toEqual(["mse", "y", "column", "weights"]);
    expect([...(await out["y"]!.read())]).toEqual([-2.5, -4.5, -6.5]);
    expect(out["column"]!.shape).toEqual([3, 1]);
    expect([...out["column"]!.data]).toEqual([-2.5, -4.5, -6.5]);
    expect(await out["mse"]!.item()).toBeCloseTo((2.5 ** 2 + 5.5 ** 2 + 8.5 ** 2) / 3, 5);
    expect(model.dims).toEqual({ B: 3, I: 2, C: 3 });
    expect(model.backend).toBe("js");
  });
  it("takes nested lists, flat arrays and arrays with their shape alike", async () => {
    const model = await create({ params: { w: { shape: [2], data: w }, bias: 0 } });
    const read = async (inputs: Parameters<Model["forward"]>[0]): Promise<number[]> => [
      ...(await model.forward(inputs)["y"]!.read()),
    ];
    expect(await read({ x, t })).toEqual([-3, -5, -7]);
    expect(await read({ x: [[1, 2]], t: [0] })).toEqual([-3]);
    expect(await read({ x: { shape: [1, 2], data: [1, 2] }, t: Float64Array.of(0) })).toEqual([-3]);
    expect(await read({ x: [Float32Array.of(1, 2)], t: [0] })).toEqual([-3]);
  });
  it("backward adds the gradients, all or those that are asked for", async () => {
    const model = await create({ params: { w, bias: 0.5 } });
    const { mse, grads } = model.backward({ x, t });
    expect(await mse!.item()).toBeGreaterThan(0);
    const dy = [-2.5, -5.5, -8.5].map((r) => (2 * r) / 3);
    expect(grads["w"]!.data[0]).toBeCloseTo(dy[0]! + 3 * dy[1]! + 5 * dy[2]!, 4);
    expect(grads["bias"]!.data[0]).toBeCloseTo(dy[0]! + dy[1]! + dy[2]!, 4);
    expect(Object.keys(model.backward({ x, t }, { wrt: ["bias"] }).grads)).toEqual(["bias"]);
    fails(() => model.backward({ x, t }, { wrt: ["bais"] }), "GRAD6002", /`bais`, not one of w, bias/);
    fails(() => model.backward({ x, t }, { of: "mes" }), "GRAD6002", /`mes`, not one of mse/);
  });
  it("a step shows the values from before it and updates params, states and optimizer states", async () => {
    const model = await create({ params: { w, bias: 0 } });
    const [dw0] = [...model.backward({ x, t }).grads["w"]!.data];
    const out = model.step({ x, t }, { rate: 0.01 });
    expect([...out["weights"]!.data]).toEqual(w);
    const now = await model.store.get("w").read();
    expect(now[0]).toBeCloseTo(1 - 0.01 * dw0!, 5);
    expect(await model.store.get("steps").item()).toBe(1);
    expect((await model.store.get("mse/v/w").read())[0]).toBeCloseTo(dw0!, 4);
    const before = await model.store.get("bias").item();
    model.step({ x, t }, { rate: 0 });
    expect(await model.store.get("bias").item()).toBe(before);
    expect(await model.store.get("steps").item()).toBe(2);
  });
  it("an argument that is left out keeps the source's constant", async () => {
    const [a, b] = [await create({ params: { w, bias: 0 } }), await create({ params: { w, bias: 0 } })];
    a.step({ x, t }, { rate: 5 });
    a.store.set("w", w);
    a.store.set("bias", 0);
    a.store.set("mse/v/w", [0, 0]);
    a.step({ x, t });
    b.step({ x, t }, { rate: 0.1 });
    expect([...a.store.get("w").data]).toEqual([...b.store.get("w").data]);
    fails(() => a.step({ x, t }, { rat: 1 }), "GRAD6002", /`rat`, not one of rate/);
  });
  it("a number that is given again counts as given, and another one replaces it", async () => {
    const [a, b] = [await create({ params: { w, bias: 0 } }), await create({ params: { w, bias: 0 } })];
    for (const rate of [0.01, 0.01, undefined, 0.01, 0.02, NaN, 0.02]) {
      const options = rate === undefined ? {} : { rate };
      a.step({ x, t }, options);
      // A model that meets the number for the first time.
      const fresh = await create({ params: await b.store.save() });
      fresh.step({ x, t }, options);
      expect(await contents(a)).toEqual(await contents(fresh));
      b.store.load(await fresh.store.save());
    }
  });
  it("trains: the loss falls", async () => {
    const model = await create({ seed: 1 });
    const target = Float32Array.of(5, 11, 17);
    const first = await model.forward({ x, t: target })["mse"]!.item();
    for (let k = 0; k < 300; k++) model.step({ x, t: target }, { rate: 0.01 });
    expect(await model.forward({ x, t: target })["mse"]!.item()).toBeLessThan(first / 100);
  });
  it("a result holds until the next call, and read captures at the call", async () => {
    const model = await create({ params: { w, bias: 0 } });
    const out = model.forward({ x, t });
    const captured = out["y"]!.read();
    model.forward({ x: [[0, 0]], t: [0] });
    expect([...(await captured)]).toEqual([-3, -5, -7]);
    await expect(out["y"]!.read()).rejects.toBeInstanceOf(StaleTensorError);
    await expect(out["mse"]!.item()).rejects.toBeInstanceOf(StaleTensorError);
    expect(() => out["y"]!.data).toThrow(StaleTensorError);
  });
  it("item wants one element", async () => {
    const model = await create();
    await expect(model.forward({ x, t })["y"]!.item()).rejects.toMatchObject({ code: "GRAD6003" });
  });
  it("a new batch size keeps the params, and a tensor of the old one can be an input", async () => {
    const model = await create({ params: { w, bias: 1 } });
    model.forward({ x, t });
    const out = model.forward({ x: [[1, 2]], t: [0] });
    expect([...out["y"]!.data]).toEqual([-2]);
    const again = model.forward({ x: [[3, 4]], t: out["y"]! });
    expect(await again["mse"]!.item()).toBeCloseTo(4, 6);
    const wider = model.forward({ x, t: [0, 0, 0] });
    expect([
      ...model.forward({ x: [...x].map((v) => [v, v]), t: new Float32Array(6) })["y"]!.data,
    ]).toHaveLength(6);
    expect(() => wider["y"]!.data).toThrow(StaleTensorError);
  });
  it("tensors of another model on the same device are read in place", async () => {
    const [a, b] = [await create({ params: { w, bias: 0 } }), await create({ params: { w, bias: 0 } })];
    const y = a.forward({ x, t })["y"]!;
    expect(await b.forward({ x, t: y })["mse"]!.item()).toBe(0);
    expect(await b.forward({ x, t })["mse"]!.item()).toBeGreaterThan(0);
    a.forward({ x, t });
    await expect(async () => b.forward({ x, t: y })).rejects.toBeInstanceOf(StaleTensorError);
  });
  it("an output may be fed back as the next input", async () => {
    const model = await create({ params: { w, bias: 0 } });
    const y = model.forward({ x, t })["y"]!;
    expect(await model.forward({ x, t: y })["mse"]!.item()).toBe(0);
    expect(await model.forward({ x, t: model.forward({ x, t })["y"]!.data })["mse"]!.item()).toBe(0);
  });
  it("allocates nothing for the same dims", async () => {
    const model = await create({ params: { w, bias: 0 } });
    const y = model.forward({ x, t })["y"]!;
    const { buffer } = y.data;
    model.step({ x, t });
    expect(model.forward({ x, t })["y"]!.data.buffer).toBe(buffer);
  });
  it("calls run in the order in which an entry makes them, with its numbers", async () => {
    const seen: unknown[] = [];
    const forward: Entry = (k, [x], _, { N = NaN }) => [
      () => {
        for (let n = N - 1; n >= 0; n--) k["k"]!(x!, N, n);
      },
      [],
    ];
    const module: ModuleSpec = {
      version: "0",
      dims: { N: null },
      input: { x: { dtype: "f64", shape: ["N"] } },
      param: {},
      state: {},
      optimizer: {},
      const: {},
      trains: [],
      results: {},
      losses: [],
    };
    const model = await createModel(module, {
      js: jsDevice({ k: (...args) => void seen.push(args.slice(1)) }, { forward, backward: {}, step: {} }),
    });
    model.forward({ x: [1, 2, 3] });
    expect(seen).toEqual([
      [3, 2],
      [3, 1],
      [3, 0],
    ]);
  });
  it("after dispose everything is stale", async () => {
    const model = await create();
    const out = model.forward({ x, t });
    model[Symbol.dispose]();
    expect(() => out["y"]!.data).toThrow(StaleTensorError);
    expect(() => model.forward({ x, t })).toThrow(StaleTensorError);
    expect(() => model.store.get("w")).toThrow(StaleTensorError);
    model.dispose();
  });
});

describe("wrong data: an error that names it, and nothing has changed", () => {
  const good = { x, t, kind: Int32Array.of(0, 1, 2) };
  const cases: [string, Parameters<Model["step"]>[0], string, ...(string | RegExp)[]][] = [
    ["a missing input", { x }, "GRAD6001", /`t`: missing, not f32\[B\]/],
    ["an unknown one", { ...good, kin: [1] }, "GRAD6002", /input: `kin`, not one of x, t, kind/],
    ["a wrong length", { ...good, x: new Float32Array(5) }, "GRAD6003", /`x`.*\b5\b/],
    [
      "a length against another input",
      { ...good, t: new Float32Array(4) },
      "GRAD6007",
      /input `t`: 4, not B = 3/,
      /B = 3 from input `x`/,
    ],
    ["a wrong rank", { ...good, x: [1, 2] }, "GRAD6003", /`x`: 1 axes, not the 2 of \[B, I\]/],
    ["ragged lists", { ...good, x: [[1, 2], [3], [4, 5]] }, "GRAD6003", /ragged.*\[1\]/],
    [
      "floats for integers",
      { ...good, kind: Float32Array.of(0, 1, 2) },
      "GRAD6004",
      /`kind`.*Float32Array.*i32/,
    ],
    [
      "integers for floats",
      { ...good, x: Int32Array.of(1, 2, 3, 4, 5, 6) },
      "GRAD6004",
      /`x`.*Int32Array.*f32/,
    ],
    ["a fraction for an integer", { ...good, kind: [0, 1.5, 2] }, "GRAD6005", /1\.5 at \[1\]/],
    ["NaN for an integer", { ...good, kind: [0, NaN, 2] }, "GRAD6005", /NaN at \[1\]/],
    [
      "a value out of range",
      { ...good, kind: Int32Array.of(0, 1, 3) },
      "GRAD6006",
      /3 at \[2\], not in 0\.\.3 \(0\.\.C\)/,
    ],
    ["a size that a check forbids", { x: new Float32Array(0), t: [], kind: [] }, "GRAD3100", /mean over B/],
  ];
  it.each(cases)("%s", async (_, inputs, code, ...texts) => {
    const model = await create({ params: { w, bias: 0 } });
    const out = model.forward(good);
    const before = await contents(model);
    fails(() => model.step(inputs), code, ...texts);
    expect(await contents(model)).toEqual(before);
    expect(model.dims).toEqual({ B: 3, I: 2, C: 3 });
    expect([...out["y"]!.data]).toEqual([-3, -5, -7]);
    expect([...model.forward(good)["y"]!.data]).toEqual([-3, -5, -7]);
  });
  it("text is no tensor", async () => {
    const model = await create();
    fails(
      () => Reflect.apply(model.forward, model, [{ x: "one", t }]),
      "GRAD6004",
      /`x`: "one", not a number/,
    );
  });
  it("a tensor of the wrong dtype or shape", async () => {
    const model = await create({ params: { w, bias: 0 } });
    model.forward(good);
    fails(() => model.forward({ ...good, kind: model.store.get("w") }), "GRAD6004", /`kind`: f32, not i32/);
    fails(() => model.forward({ ...good, x: model.store.get("w") }), "GRAD6003", /`x`: 1 axes/);
    fails(
      () =>
        model.forward({
          x: [
            [1, 2],
            [3, 4],
          ],
          t: [0, 0],
          kind: model.store.get("w"),
        }),
      "GRAD6004",
      /f32, not i32/,
    );
  });
});

describe("dims", () => {
  it("of a param stay once bound; those of inputs alone are free", async () => {
    const model = await create();
    model.forward({ x: [[1, 2]], t: [0] });
    model.forward({ x, t });
    fails(() => model.forward({ x: [[1, 2, 3]], t: [0] }), "GRAD6007", /I = 2 from param `w`/);
  });
  it("given in create cannot be changed by a shape", async () => {
    const model = await create({ dims: { I: 2, B: 3 } });
    expect(model.store.get("w").shape).toEqual([2]);
    fails(() => model.forward({ x: [[1, 2]], t: [0] }), "GRAD6007", /B = 3 from `dims`/);
    await expect(create({ dims: { J: 1 } })).rejects.toMatchObject({ code: "GRAD6002" });
    await expect(create({ dims: { I: -1 } })).rejects.toMatchObject({ code: "GRAD6009" });
    await expect(create({ dims: { I: 2 }, params: { w: [1, 2, 3] } })).rejects.toMatchObject({
      code: "GRAD6007",
    });
  });
  it("that nothing binds are named", async () => {
    const model = await create();
    fails(() => model.store.get("w"), "GRAD6008", /`I`/);
  });
});

describe("create", () => {
  it("says which backends there are", async () => {
    await expect(create({ backend: "webgpu" })).rejects.toBeInstanceOf(UnsupportedError);
    await expect(create({ backend: "webgpu" })).rejects.toThrow(/compiled for js/);
    expect((await create({ backend: "auto" })).backend).toBe("js");
  });
  it("the same seed gives the same params", async () => {
    const start = async (seed: number): Promise<number[]> => [
      ...(await create({ seed, dims: { I: 4 } })).store.get("w").data,
    ];
    expect(await start(1)).toEqual(await start(1));
    expect(await start(1)).not.toEqual(await start(2));
  });
  it("meta describes the module", async () => {
    expect((await create()).meta).toEqual({
      version: "0.1.0",
      dims: { B: null, I: null, C: 3 },
      inputs: {
        x: { shape: ["B", "I"], dtype: "f32", doc: "features" },
        t: { shape: ["B"], dtype: "f32" },
        kind: { shape: ["B"], dtype: "i32", range: [0, 3], default: 0 },
      },
      params: { w: { shape: ["I"], dtype: "f32" }, bias: { shape: [], dtype: "f32" } },
      states: { steps: { shape: [], dtype: "i32" } },
      outputs: {
        y: { shape: ["B"], dtype: "f32" },
        column: { shape: ["B", 1], dtype: "f32" },
        weights: { shape: ["I"], dtype: "f32" },
      },
      losses: ["mse"],
      trains: [{ of: "mse", optimizer: "momentum", args: { rate: 0.1 } }],
    });
  });
});

describe("the store", () => {
  it("save and load bring everything back, optimizer states too", async () => {
    const model = await create({ params: { w, bias: 0 } });
    model.step({ x, t });
    const bytes = await model.store.save();
    const other = await create({ params: bytes });
    expect(await contents(other)).toEqual(await contents(model));
    model.step({ x, t });
    other.step({ x, t });
    expect([...other.store.get("w").data]).toEqual([...model.store.get("w").data]);
  });
  it("load is strict about names unless told not to be", async () => {
    const model = await create({ params: { w, bias: 0 } });
    const file = (names: readonly string[]): Uint8Array =>
      writeSafetensors(
        new Map(
          names.map((name) => [
            name,
            name === "steps"
              ? { dtype: "i32" as const, shape: [], data: Int32Array.of(7) }
              : {
                  dtype: "f32" as const,
                  shape: name === "w" ? [2] : [],
                  data: new Float32Array(name === "w" ? 2 : 1).fill(9),
                },
          ]),
        ),
      );
    const before = await contents(model);
    fails(() => model.store.load(file(["w", "bias"])), "GRAD6011", /state `steps`: missing/);
    fails(
      () => model.store.load(file(["w", "bias", "steps", "step"])),
      "GRAD6002",
      /`step`, not one of w, bias, steps/,
    );
    expect(await contents(model)).toEqual(before);
    model.store.load(file(["w", "other"]), { strict: false });
    expect(await contents(model)).toEqual([[9, 9], [0], [0]]);
    model.step({ x, t });
    model.store.load(file(["w", "bias", "steps"]));
    expect([...model.store.get("mse/v/w").data]).toEqual([0, 0]);
    expect(await contents(model)).toEqual([[9, 9], [9], [7]]);
  });
  it("a file of another shape or type changes nothing", async () => {
    const model = await create({ params: { w, bias: 0 } });
    const before = await contents(model);
    const tensor = (dtype: "f32" | "i32", shape: number[]) => ({
      dtype,
      shape,
      data: new Float32Array(shape[0] ?? 1),
    });
    const file = (wide: number): Uint8Array =>
      writeSafetensors(
        new Map<string, NamedTensor>([
          ["bias", { ...tensor("f32", []), data: Float32Array.of(3) }],
          ["steps", { dtype: "i32", shape: [], data: Int32Array.of(3) }],
          ["w", tensor("f32", [wide])],
        ]),
      );
    fails(() => model.store.load(file(3)), "GRAD6007", /param `w`: 3, not I = 2 \(I = 2 from param `w`\)/);
    fails(() => model.store.load(file(2).subarray(0, 20)), "GRAD6010", /safetensors/);
    expect(await contents(model)).toEqual(before);
  });
  it("set checks names, shapes and types, and binds open dims", async () => {
    const model = await create();
    fails(() => model.store.set("ww", [1]), "GRAD6002", /`ww`, not one of w, /);
    model.store.set("w", Float32Array.of(1, 2, 3));
    expect(model.dims).toEqual({ I: 3, C: 3 });
    fails(() => model.store.set("w", [1, 2]), "GRAD6007", /I = 3 from param `w`/);
    fails(() => model.store.set("steps", 0.5), "GRAD6005");
  });
});
