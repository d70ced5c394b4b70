import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { loadData, parseCsv, parseJsonData } from "../../src/cli/data.js";
import { resultToJson } from "../../src/cli/json.js";
import { writeNpy, writeSafetensors } from "../../src/runtime/index.js";
import { NPY } from "../runtime/npy-fixtures.js";

let folder = "";
const path = (name: string): string => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "gradc-data-"));
  const tensor = { dtype: "f32", shape: [2], data: Float32Array.of(1, 2) } as const;
  await writeFile(path("a.npz"), Buffer.from(NPY.deflated, "base64"));
  await writeFile(path("a.npy"), writeNpy(tensor));
  await writeFile(path("a.safetensors"), writeSafetensors(new Map([["m.W", tensor]])));
  await writeFile(path("a.csv"), "y,X.1,X.0\n1,2,3\n4,5,6\n");
  await writeFile(path("a.json"), '{"dims": {"H": 4}, "inputs": {"x": 1}}');
  await writeFile(path("cut.safetensors"), writeSafetensors(new Map([["m.W", tensor]])).subarray(0, 70));
});

describe("--data", () => {
  it("puts several files together", async () => {
    const { dims, inputs, params } = await loadData([path("a.json"), `t=${path("a.npy")}`, path("a.csv")]);
    expect(dims).toEqual({ H: 4 });
    expect(inputs).toEqual({
      x: { shape: [], data: [1] },
      t: { shape: [2], data: Float32Array.of(1, 2) },
      y: { shape: [2], data: [1, 4] },
      X: { shape: [2, 2], data: [3, 2, 6, 5] },
    });
    expect(params).toEqual({});
    expect(Object.keys((await loadData([path("a.npz")])).inputs)).toEqual(["x", "k"]);
    expect(Object.keys((await loadData([path("a.safetensors")], "params")).params)).toEqual(["m.W"]);
  });
  it("names the file in every error", async () => {
    await expect(loadData([path("a.npz"), path("a.json")])).rejects.toThrow(
      /a\.json: `x` of inputs is given by .*a\.npz/,
    );
    await expect(loadData([path("a.npy")])).rejects.toThrow(/NAME=.*a\.npy/);
    await expect(loadData([path("none.json")])).rejects.toThrow(/none\.json: there is no such file/);
    await expect(loadData([path("cut.safetensors")])).rejects.toThrow(/cut\.safetensors: .*truncated/);
    await expect(loadData([path("a.txt")])).rejects.toThrow(/a\.txt/);
  });
});

describe("JSON data", () => {
  const x = (value: unknown) => parseJsonData(JSON.stringify({ inputs: { x: value } }), "d.json").inputs["x"];
  it("takes every form of a tensor", () => {
    expect(x(2)).toEqual({ shape: [], data: [2] });
    expect(
      x([
        [1, 2],
        ["NaN", "-Infinity"],
      ]),
    ).toEqual({ shape: [2, 2], data: [1, 2, NaN, -Infinity] });
    expect(x([true, false])).toEqual({ shape: [2], data: [1, 0] });
    expect(x({ shape: [2, 1], data: [1, "Infinity"] })).toEqual({ shape: [2, 1], data: [1, Infinity] });
    expect(x({ shape: [1], dtype: "i32", data: [3] })).toEqual({ shape: [1], data: Int32Array.of(3) });
    expect(x([])).toEqual({ shape: [0], data: [] });
  });
  it.each<[string, unknown, RegExp]>([
    ["ragged lists", [[1, 2], [3]], /d\.json: inputs\.x\[1\]: a list of 2/],
    ["text", [1, "one"], /d\.json: inputs\.x\[1\]: "one" is not a number/],
    ["null", null, /inputs\.x: null/],
    ["a shape that does not fit", { shape: [3], data: [1] }, /inputs\.x: shape \[3\] wants 3 numbers, not 1/],
    ["an unknown dtype", { shape: [1], dtype: "float", data: [1] }, /inputs\.x\.dtype: "float"/],
    ["a fraction as an integer", { shape: [1], dtype: "i32", data: [0.5] }, /inputs\.x: .*0\.5 at \[0\]/],
  ])("refuses %s, saying where", (_, value, text) => {
    expect(() => x(value)).toThrow(text);
  });
  it("gives line and column of a slip, and knows its sections", () => {
    expect(() => parseJsonData('{\n  "inputs": {\n    "x": [1,, 2]\n  }\n}', "d.json")).toThrow(
      /^d\.json:3:13: /,
    );
    expect(() => parseJsonData('{"inputs": {', "d.json")).toThrow(/^d\.json:1:13: /);
    expect(() => parseJsonData('{"input": {}}', "d.json")).toThrow(/did you mean `inputs`/);
    expect(() => parseJsonData('{"x": [1, 2]}', "d.json")).toThrow(/"inputs": \{ "x": …/);
    expect(() => parseJsonData('{"dims": {"B": 1.5}}', "d.json")).toThrow(/dims\.B.*1\.5/);
  });
});

describe("CSV data", () => {
  it("one column that is X.0 alone is a matrix", () => {
    expect(parseCsv("X.0\n1\n\n", "d.csv")).toEqual({ X: { shape: [1, 1], data: [1] } });
    expect(parseCsv('"a",b\r\ntrue,nan\r\n', "d.csv")).toEqual({
      a: { shape: [1], data: [1] },
      b: { shape: [1], data: [NaN] },
    });
  });
  it("says line and column", () => {
    expect(() => parseCsv("a,b\n1,2\n3,x\n", "d.csv")).toThrow(/^d\.csv:3, column `b`: "x" is not a number/);
    expect(() => parseCsv("a,b\n1\n", "d.csv")).toThrow(/^d\.csv:2: 1 cells, where the header has 2/);
    expect(() => parseCsv("X.0,X.2\n1,2\n", "d.csv")).toThrow(/`X\.1` is missing/);
    expect(() => parseCsv("a,a\n1,2\n", "d.csv")).toThrow(/twice/);
  });
});

it("results print in the long form, NaN and infinities as strings, all digits kept", () => {
  const tensor = { dtype: "f64", shape: [3], data: Float64Array.of(0.1 + 0.2, NaN, -Infinity) } as const;
  expect(
    JSON.parse(
      resultToJson({ engine: "js", dims: { B: 2 }, outputs: { y: tensor }, grads: { l: { W: tensor } } }),
    ),
  ).toEqual({
    engine: "js",
    dims: { B: 2 },
    outputs: { y: { shape: [3], dtype: "f64", data: [0.30000000000000004, "NaN", "-Infinity"] } },
    grads: { l: { W: { shape: [3], dtype: "f64", data: [0.30000000000000004, "NaN", "-Infinity"] } } },
  });
});
